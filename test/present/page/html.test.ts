import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { html, scriptJson } from '../../../src/present/page/html.ts'
import { parseMarkup } from './markup.ts'

describe('a template', () => {
  it('takes whatever it is given for text', () => {
    const name = `"><script>alert('x')</script>&amp;`
    expect(html`<p title="${name}">${name}</p>`.text).toBe(
      '<p title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;">' +
        '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;</p>',
    )
  })

  it('takes what a template made for markup, also in lists', () => {
    const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`)
    expect(html`<ul>${items}</ul>${undefined}${1n}`.text).toBe(
      '<ul><li>a</li><li>&lt;b&gt;</li></ul>1',
    )
  })

  it('names what cannot be seen, and leaves ends of lines', () => {
    expect(html`${'a\u202eb\u0000c\nd'}`.text).toBe('a\\u202eb\\u0000c\nd')
  })

  it('holds no markup but its own, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { tags } = parseMarkup(html`<p title="${text}">${text}</p>`.text)
        expect(tags.map(({ name }) => name)).toEqual(['p'])
      }),
    )
  })
})

describe('JSON in a script', () => {
  it('ends no script, and is the same when it is read', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constant('</script><!--&\u2028')), (text) => {
        const json = scriptJson(JSON.stringify({ text })).text
        expect(json).not.toMatch(/[<>&\u2028\u2029]/)
        expect(JSON.parse(json)).toEqual({ text })
      }),
    )
  })
})
