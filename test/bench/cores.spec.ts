import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { benchFromText, coreOfFile, coresFromText, readBenchFile, readCores } from '../../bench/bench-file.ts'
import { fabricatedChip } from '../../bench/fabricated-chip.ts'

const PATH = 'examples/two-cores.yaml'
const text = await readFile(PATH, 'utf8')

function changed(from: string, to: string): string {
  expect(text).toContain(from)
  return text.replace(from, to)
}

const faultsOf = (written: string): string => {
  try {
    coresFromText(written, 'b.yaml')
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

const lineOf = (written: string, part: string, from = 0): number =>
  written.slice(0, written.indexOf(part, from)).split('\n').length

describe('a bench file with two cores', () => {
  test('is two benches of 11 instruments each, none of them in both, with what they share', async () => {
    const cores = await readCores(PATH)
    expect(cores.map(({ core, name }) => ({ core, name }))).toEqual([
      { core: 'left', name: 'two-cores/left' },
      { core: 'right', name: 'two-cores/right' },
    ])
    const [left, right] = cores.map(({ instruments }) => [...instruments.keys()])
    expect(left).toHaveLength(11)
    expect(right).toHaveLength(11)
    expect(new Set([...left!, ...right!]).size).toBe(22)
    for (const { wiring } of cores) expect(wiring.frame.maxSymbols).toBe(512)
  })

  test('keeps the hash of one core, and so its calibrations, when the other is changed', () => {
    const [left, right] = coresFromText(text, PATH)
    const [sameLeft, otherRight] = coresFromText(
      changed('controller: right-oven, temperatureC: 30', 'controller: right-oven, temperatureC: 31'),
      PATH,
    )
    expect(sameLeft!.hash).toBe(left!.hash)
    expect(otherRight!.hash).not.toBe(right!.hash)
  })

  test('has a chip a core on the twin, each drawn from the seed', () => {
    const [left, right] = coresFromText(text, PATH)
    const chipOf = (file: typeof left): unknown => fabricatedChip(file!, 7).truth
    expect(chipOf(left)).toEqual(chipOf(left))
    expect(chipOf(left)).not.toEqual(chipOf(right))
  })

  test('refuses an instrument in both cores, naming both and the line', () => {
    const written = changed('plus: [right-pm.1-4]', 'plus: [left-pm.1-4]')
    const line = lineOf(written, 'plus: [left-pm.1-4]', written.indexOf('name: right'))
    expect(faultsOf(written)).toContain(
      `b.yaml:${line}:16 cores[1].lanes[0].plus[0] - "left-pm" of core "right" already belongs to core "left" (cores[0].lanes[0].plus[0])`,
    )
  })

  test.each([
    ['a name twice', '- name: right', '- name: left', '"left" is already the name of another core'],
    ['a section of one core at the top', 'name: two-cores', 'name: two-cores\nmains: left-wall', 'belongs to one core'],
    [
      'an instrument of nobody',
      '\nframe:',
      '\n  spare: { driver: oif-itla, resource: ASRL/dev/x::INSTR }\nframe:',
      '"spare" is wired to nothing',
    ],
    ['a fault in what is shared, once', 'rangeDbm: 0', 'rangeDbm: 99', 'detection.rangeDbm'],
    ['no list', text.slice(text.indexOf('\ncores:')), '\ncores: {}', 'list every core'],
    ['a core that is no map', text.slice(text.indexOf('\ncores:')), '\ncores: [7]', 'a core is a map'],
    ['instruments of its own', '- name: right', '- name: right\n    instruments: {}', 'stand once, at the top'],
    ['a misspelt instrument', 'laser: right-laser', 'laser: right-lazer', 'right-laser'],
  ])('refuses %s', (_, from, to, says) => {
    const faults = faultsOf(changed(from, to))
    expect(faults.split('\n').filter((line) => line.includes(says))).toHaveLength(1)
  })

  test('is refused where one core is wanted, with the names that there are', async () => {
    await expect(readBenchFile(PATH)).rejects.toThrow('describes the cores left, right, and this takes one')
    await expect(readBenchFile(PATH, 'middle')).rejects.toThrow('has no core "middle": there are left, right')
    await expect(readBenchFile('examples/mesh-8x8.yaml', 'left')).rejects.toThrow('leave out --core left')
    expect(() => benchFromText(text, PATH)).toThrow('choose it, like --core left')
    expect(coreOfFile(coresFromText(text, PATH), 'right').core).toBe('right')
  })
})
