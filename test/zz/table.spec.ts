import { test } from 'vitest'
import { MESH_PARAMETERS } from '../../sim/optics/imperfections.ts'
test('t', () => { console.log(Object.entries(MESH_PARAMETERS).map(([k, { value, min, max, source }]) => `| \`${k}\` | ${value} | ${min} to ${max} | ${source} |`).join('\n')) })
