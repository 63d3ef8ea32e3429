import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { benchFromText } from '../../bench/bench-file.ts'
import { unknownKey } from '../../bench/unknown-key.ts'
import { BenchError } from '../../core/errors.ts'

describe.each(['mesh', 'awgr'] as const)('in the file of a bench with a core of kind %s', async (kind) => {
  const text = await readFile(`test/cli/small-${kind === 'mesh' ? 'bench' : 'awgr'}.yaml`, 'utf8')
  const where = kind === 'mesh' ? 'lanes[0]' : 'wavelengths[0]'

  function faults(changed: string): readonly string[] {
    expect(changed).not.toBe(text)
    try {
      benchFromText(changed, 'b.yaml')
    } catch (error) {
      if (error instanceof BenchError && error.code === 'BENCH_FILE_INVALID') return error.message.split('\n')
      throw error
    }
    return []
  }

  test('a quantity in another unit is one fault, and nobody is told to rename it without converting it', () => {
    const [only, ...more] = faults(text.replace('powerDbm: 8', 'powerMw: 20').replace('powerDbm: 13', 'powerMw: 20'))
    expect(more).toEqual([])
    expect(only).toMatch(/^b\.yaml:\d+:\d+ /)
    expect(only).toContain(
      `${where}.powerMw - has another unit than this file is written in; convert it and write "powerDbm"`,
    )
  })

  test('a quantity in two units at once is one fault: this file could contradict itself', () => {
    const both = faults(text.replace('symbolPeriodUs: 40', 'symbolPeriodUs: 40, symbolPeriodNs: 30000'))
    expect(both).toHaveLength(1)
    expect(both[0]).toMatch(
      /^b\.yaml:\d+:\d+ frame\.symbolPeriodNs - says in another unit what "symbolPeriodUs" says; keep "symbolPeriodUs" alone$/,
    )
  })

  test.each(['1.5', '7'])('a seed of %s belongs to the call', (seed) => {
    expect(faults(`seed: ${seed}\n${text}`)).toEqual([
      'b.yaml:1:1 seed - belongs to a call, not to the bench; give it as --seed N, a whole number',
    ])
    expect(faults(`${text}twin: { seed: ${seed} }\n`)).toEqual([
      expect.stringMatching(/^b\.yaml:\d+:9 twin\.seed - belongs to a call, .* --seed N, a whole number$/),
    ])
  })

  test('an age does, too', () => {
    expect(faults(`${text}twin: { age: 12h }\n`)).toEqual([
      expect.stringMatching(/twin\.age - .* --age TIME, like 12h$/),
    ])
  })
})

describe('a key that is not known', () => {
  test('means no key of another quantity, whatever its name', () => {
    // Milliamperes are no volts: this limit of another kind has its own key.
    expect(unknownKey('limitA', ['limitV', 'limitMa'], []).meant).toBe('limitMa')
    expect(unknownKey('frequencyNm', ['frequencyThz'], [])).toMatchObject({
      message: 'is not known here; did you mean "frequencyThz"?',
    })
  })

  test('is a slip of the finger where it has the same unit', () => {
    expect(unknownKey('amplitdeV', ['amplitudeV'], [])).toEqual({
      meant: 'amplitudeV',
      message: 'is not known here; did you mean "amplitudeV"?',
    })
  })

  test('can only go where nothing is known', () => {
    expect(unknownKey('colour', [], [])).toEqual({ meant: undefined, message: 'is not known here; remove it' })
  })
})
