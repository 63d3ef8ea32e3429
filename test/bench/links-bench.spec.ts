import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { benchFromText } from '../../bench/bench-file.ts'

const mesh = await readFile('test/cli/small-bench.yaml', 'utf8')
const awgr = await readFile('test/cli/small-awgr.yaml', 'utf8')
/** Two lanes, 193.1 and 193.2 THz. */
const lanes = await readFile('examples/mesh-8x8.yaml', 'utf8')
const benches = { mesh, awgr, lanes }
const read = (text: string, twin: string) => benchFromText(`${text}twin: { ${twin} }\n`, 'b.yaml')

describe('links that contradict one another or nature are refused with their place', () => {
  test.each([
    [
      'mesh',
      'modulator: eam',
      /twin\.modulator - asks for electro-absorption modulators, .* use mzm here, or a core of kind "awgr"/,
    ],
    ['mesh', 'modulator: glass', /twin\.modulator - is "glass"; must be "mzm" or "eam"/],
    ['mesh', 'noise: quiet', /twin\.noise - is "quiet"; must be "lightning-emulator"/],
    ['mesh', 'muxPassband3DbGhz: 120', /twin\.muxPassband3DbGhz - .* must be at most 100/],
    ['mesh', 'muxPassband1DbGhz: 80', /twin\.muxPassband1DbGhz - .* they must be wider at 3 dB/],
    [
      'mesh',
      'muxFreeSpectralRangeThz: 0.05',
      /lanes - reach over 0\.1 THz, .* twin\.muxFreeSpectralRangeThz must be at least 0\.1/,
    ],
    [
      'mesh',
      'edfaGainDb: 20, edfaNoiseFigureDb: 2',
      /twin\.edfaNoiseFigureDb - is 2, less than any amplifier of 20 dB adds; must be at least 2\.99/,
    ],
    [
      'lanes',
      'muxFreeSpectralRangeThz: 0.1',
      /lanes - reach over 0\.2 THz, .* twin\.muxFreeSpectralRangeThz must be at least 0\.2/,
    ],
    [
      'lanes',
      'gridSpacingGhz: 1000',
      /:25 twin\.gridSpacingGhz - is 1000, but lanes\[1\] at 193\.2 THz lies 100 GHz beside .* as 100 has$/,
    ],
    [
      'lanes',
      'gridSpacingGhz: 250, muxPassband3DbGhz: 220',
      /:25 twin\.gridSpacingGhz - is 250, .* falls into the channel of lanes\[0\]; must be at most the 100 between them$/,
    ],
    ['mesh', 'fibreLossDbPerKm: -1', /twin\.fibreLossDbPerKm - is -1; must be 0 to 10/],
    [
      'awgr',
      'frequencyCombSpacingGhz: 70',
      /twin\.frequencyCombSpacingGhz - is 70, but wavelengths\[1\] at 193\.2 THz is no whole number of lines .*nearest line: 193\.17/,
    ],
  ] as const)('%s, %s', (core, twin, message) => {
    expect(() => read(benches[core], twin)).toThrow(message)
  })
})

test('A grid with a channel for each lane is taken, finer or coarser than the lanes', () => {
  const finer = 'gridSpacingGhz: 50, muxPassband1DbGhz: 25, muxPassband3DbGhz: 40'
  expect(read(lanes, finer).twin).toMatchObject({ gridSpacingGhz: 50 })
  expect(read(mesh, 'gridSpacingGhz: 1000').twin).toMatchObject({ gridSpacingGhz: 1000 })
})

test('A preset stands for its values, and what is written beside it wins', () => {
  expect(read(awgr, 'noise: lightning-emulator').twin).toMatchObject({
    receiverFullScaleMw: 2,
    readoutNoiseShare: 1.6569279459762971 / 255,
  })
  const beside = read(awgr, 'noise: lightning-emulator, receiverFullScaleMw: 1, modulator: eam').twin
  expect(beside).toMatchObject({
    receiverFullScaleMw: 1,
    readoutNoiseShare: 1.6569279459762971 / 255,
    eamExtinctionDb: 11.83,
  })
  expect(read(awgr, 'modulator: mzm').twin.eamExtinctionDb).toBe(0)
})
