import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'

/*
 * Files of tests run side by side, and many of them name the same places, where nobody is. Their locks, and those of
 * the programs that they start, must not meet.
 */
process.env['XDG_RUNTIME_DIR'] = await mkdtemp(join(inject('runFolder'), 'leases-'))
