import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { benchFromText } from '../../bench/bench-file.ts'

const mesh = await readFile('test/cli/small-bench.yaml', 'utf8')
const awgr = await readFile('test/cli/small-awgr.yaml', 'utf8')
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
    ['mesh', 'fibreLossDbPerKm: -1', /twin\.fibreLossDbPerKm - is -1; must be 0 to 10/],
    [
      'awgr',
      'frequencyCombSpacingGhz: 70',
      /twin\.frequencyCombSpacingGhz - is 70, but wavelengths\[1\] at 193\.2 THz is no whole number of lines .*nearest line: 193\.17/,
    ],
  ])('%s, %s', (core, twin, message) => {
    expect(() => read(core === 'mesh' ? mesh : awgr, twin)).toThrow(message)
  })
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
