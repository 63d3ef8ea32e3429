import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DEFAULT_BENCH, expectFailure, fringe, scratchFolder, SMALL_AWGR_BENCH, SMALL_BENCH } from './fringe-process.ts'

const twin = (parameters: string) => (text: string) => `${text}\ntwin: { ${parameters} }\n`
const replaced = (from: string, to: string) => (text: string) => text.replace(from, to)

/** One wavelength more than the two of the small bench, with a laser of its own. */
const thirdWavelength = (text: string): string =>
  text
    .replace('ports:', '  - { laser: laser-2, frequencyThz: 193.3, powerDbm: 8 }\nports:')
    .replace('  awg:', '  laser-2: { driver: oif-itla, resource: ASRL/dev/small/laser-2::INSTR }\n  awg:')

type Case = readonly [what: string, bench: string, change: (text: string) => string, message: RegExp]

const CASES: readonly Case[] = [
  ['a mesh of no ports', SMALL_BENCH, replaced('size: 2', 'size: 0'), /core\.size - is 0; must be 2 to 256/],
  ['an AWGR of no ports', SMALL_AWGR_BENCH, replaced('size: 2', 'size: 0'), /core\.size - is 0; must be 2 to 64/],
  ['a mesh that makes light', SMALL_BENCH, twin('mziLossDb: -1'), /twin\.mziLossDb - is -1; must be 0 to 3/],
  ['an AWGR that makes light', SMALL_AWGR_BENCH, twin('awgrLossDb: -1'), /twin\.awgrLossDb - is -1; must be 0 to 40/],
  ['a tap of more than all light', SMALL_BENCH, twin('tapRatio: 1.1'), /twin\.tapRatio - is 1\.1; must be 0\.0001 to/],
  [
    'multiplexers wider than their grid',
    SMALL_BENCH,
    twin('muxPassband3DbGhz: 120'),
    /twin\.muxPassband3DbGhz - makes passbands of 120 GHz on a grid of 100 GHz; .* at most 100/,
  ],
  [
    'a router wider than its grid',
    SMALL_AWGR_BENCH,
    twin('awgrPassband3DbGhz: 120'),
    /twin\.awgrPassband3DbGhz - is 120, wider than the channels’ 100 GHz; must be at most 100/,
  ],
  [
    'lanes beyond the free spectral range of the multiplexers',
    DEFAULT_BENCH,
    twin('muxFreeSpectralRangeThz: 0.1'),
    /lanes - reach over 0\.2 THz, .* must be at least 0\.2/,
  ],
  [
    'wavelengths beyond the free spectral range of the router',
    SMALL_AWGR_BENCH,
    thirdWavelength,
    /wavelengths - lists 3, but the free spectral range of a 2 × 2 router holds 2; list 2/,
  ],
  [
    'wavelengths beyond the free spectral range of the rings',
    SMALL_AWGR_BENCH,
    twin('ringFreeSpectralRangeThz: 0.15'),
    /twin\.ringFreeSpectralRangeThz - is 0\.15; .* of at least 0\.2/,
  ],
  [
    'two lanes in one channel',
    DEFAULT_BENCH,
    twin('gridSpacingGhz: 250, muxPassband3DbGhz: 220'),
    /twin\.gridSpacingGhz - is 250, .* the channel of lanes\[0\]; must be at most the 100 between them/,
  ],
  [
    'two units for one quantity of a mesh',
    SMALL_BENCH,
    twin('heaterPiPowerMw: 20, heaterPiPowerW: 0.03'),
    /twin\.heaterPiPowerW - says in another unit what "heaterPiPowerMw" says; keep "heaterPiPowerMw" alone/,
  ],
  [
    'two units for one quantity of an AWGR',
    SMALL_AWGR_BENCH,
    replaced('powerDbm: 8', 'powerDbm: 8, powerMw: 9'),
    /wavelengths\[0\]\.powerMw - says in another unit what "powerDbm" says; keep "powerDbm" alone/,
  ],
  ['a seed in the file of a mesh', SMALL_BENCH, twin('seed: 1.5'), /twin\.seed - belongs to a call, .* --seed N/],
  ['a seed in the file of an AWGR', SMALL_AWGR_BENCH, twin('seed: 1.5'), /twin\.seed - belongs to a call, .* --seed N/],
]

describe('a chip that cannot be', { timeout: 120_000 }, () => {
  test.each(CASES)('%s is one fault, refused with 2 before anything is made', async (_, bench, change, message) => {
    const text = await readFile(bench, 'utf8')
    const changed = change(text)
    expect(changed).not.toBe(text)
    const cwd = await scratchFolder()
    await writeFile(join(cwd, 'bench.yaml'), changed)
    const ended = await fringe(['calibrate', 'bench.yaml', '--sim=direct', '--json'], { cwd })
    const said = await expectFailure(ended, 2, 'BENCH_FILE_INVALID')
    expect(said).toMatch(/^bench\.yaml:\d+:\d+ [^\n]*$/)
    expect(said).toMatch(message)
    // No journal, no results.
    expect(await readdir(cwd)).toEqual(['bench.yaml'])
  })

  test.each([SMALL_BENCH, SMALL_AWGR_BENCH])(
    'of a seed with a fraction is refused by every command: %s',
    async (bench) => {
      const calls = [
        ['check', bench, '--sim'],
        ['calibrate', bench, '--sim'],
        ['matmul', bench, 'A.npy', 'B.npy', '-o', 'C.npy', '--sim=direct'],
        ['sim', bench],
        ['show', '--chip', bench],
      ]
      const cwd = await scratchFolder()
      for (const call of calls) {
        const ended = await fringe([...call, '--seed', '1.5', '--json'], { cwd })
        expect(await expectFailure(ended, 2, 'CALL_INVALID')).toMatch(
          /'1\.5' is invalid\. A seed is a whole number from 0/,
        )
      }
      expect(await readdir(cwd)).toEqual([])
    },
  )
})
