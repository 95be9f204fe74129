/**
 * What a browser is shown that has not logged in.
 */
import { createHash } from 'node:crypto'
import { Html, html } from '../present/page/html.ts'

const CSS = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 15vh auto 0; max-width: 22rem; padding: 0 1rem; }
h1 { font-size: 1.25rem; }
label, input, button { display: block; font: inherit; width: 100%; box-sizing: border-box; }
input, button { margin-top: .5rem; padding: .5rem; }
[role=alert] { border-left: .25rem solid #c00; padding-left: .75rem; }
`

/** @param why what was wrong with the last try */
export function loginHtml(why?: string): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Log in - beamscope</title>
<link rel="icon" href="data:,">
<style>${new Html(CSS)}</style>
</head>
<body>
<main>
<h1>beamscope</h1>
${why === undefined ? undefined : html`<p role="alert">${why}</p>`}
<form method="post" action="login">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Log in</button>
</form>
</main>
</body>
</html>
`.text
}

/** Nothing but the page's own style, and where the form goes. */
export const LOGIN_POLICY: string = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(CSS).digest('base64')}'`,
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')
