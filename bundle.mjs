/**
 * Builds the command line by `rolldown.config.ts`. The program `rolldown` would do it as well, but lists all that
 * it makes, where what is built is often only the beginning of a command with output of its own.
 */
import { build } from 'rolldown'
import { loadConfig } from 'rolldown/config'

await build(await loadConfig('rolldown.config.ts'))
