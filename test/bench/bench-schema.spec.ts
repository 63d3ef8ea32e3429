import { readFile } from 'node:fs/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { format } from 'prettier'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { benchJsonSchema } from '../../bench/bench-schema.ts'
import { DRIVERS } from '../../drivers/registry.ts'

describe('the JSON Schema of the bench file, for editors', () => {
  const schema = benchJsonSchema(DRIVERS)
  const validate = new Ajv2020({ strict: false }).compile(schema)
  let bench: Record<string, unknown> = {}
  beforeAll(async () => {
    bench = parse(await readFile('examples/mesh-8x8.yaml', 'utf8')) as Record<string, unknown>
  })

  test('in docs/schemas is the one that this version checks by', async () => {
    const text = await format(JSON.stringify(schema), { parser: 'json', printWidth: 120 })
    await expect(text).toMatchFileSnapshot('../../docs/schemas/bench.schema.json')
  })

  test('accepts the default bench', () => {
    expect(validate(bench), JSON.stringify(validate.errors)).toBe(true)
  })

  test('accepts the example of an AWGR, and refuses a section of the other core in it', async () => {
    const awgr = parse(await readFile('examples/awgr-16.yaml', 'utf8')) as Record<string, unknown>
    expect(validate(awgr), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ ...awgr, lanes: bench['lanes'] })).toBe(false)
    expect(validate({ ...awgr, twin: { splitterSigmaRad: 0.01 } })).toBe(false)
  })

  test.each([
    ['a section too many', (): unknown => ({ ...bench, colour: 'green' })],
    ['a section too few', (): unknown => ({ ...bench, lanes: undefined })],
    ['another core', (): unknown => ({ ...bench, core: { kind: 'awgr', layout: 'clements', size: 8 } })],
    ['an unknown driver', (): unknown => withInstrument({ driver: 'oif-ilta', resource: 'ASRL/dev/x::INSTR' })],
    ['an unknown setting', (): unknown => withInstrument({ driver: 'oif-itla', resource: 'ASRL/dev/x::INSTR', x: 1 })],
    ['a parameter outside the twin’s limits', (): unknown => ({ ...bench, twin: { splitterSigmaRad: 2 } })],
  ])('refuses %s', (_, changed) => {
    expect(validate(JSON.parse(JSON.stringify(changed())))).toBe(false)
  })

  const withInstrument = (line: object): unknown => ({ ...bench, instruments: { laser: line } })
})
