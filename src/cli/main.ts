#!/usr/bin/env node
/**
 * The program `beamscope`: what is decided before anything else is loaded.
 */

const { argv, env } = process
// Whoever wants to see stacks wants the lines of the source in them. Maps are read only of what is loaded
// after this, and take longer to read than all else.
if (env.BEAMSCOPE_DEBUG === '1' || argv.includes('-v') || argv.includes('--verbose')) {
  process.setSourceMapsEnabled(true)
}

void import('./start.ts').then(({ start }) => start())
