import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { benchFromText, requireKind } from '../../bench/bench-file.ts'
import type { BenchError } from '../../core/errors.ts'
import { NO_DEFECTS } from '../../sim/optics/defects.ts'

let text = ''
beforeAll(async () => {
  text = await readFile('examples/mesh-8x8.yaml', 'utf8')
})

const withDefects = (written: string): string => `${text}twin:\n  splitterSigmaRad: 0.01\n  defects: ${written}\n`

function problems(written: string): string[] {
  try {
    benchFromText(withDefects(written), 'b.yaml')
  } catch (error) {
    return (error as BenchError).message.split('\n').map((line) => line.replace(/^b\.yaml:\d+:/, ''))
  }
  return []
}

describe('defects of the twin in a bench file', () => {
  test('are none by default', () => {
    expect(requireKind(benchFromText(text, 'b.yaml'), 'mesh').defects).toEqual(NO_DEFECTS)
  })

  test('are read beside the parameters of the chip', () => {
    const written =
      '{ swappedHeaters: [[20, 45]], deadHeaters: [0], stuckHeaters: [{ channel: 159, voltageV: 5 }], darkPorts: [pm-0.3], saturatedPorts: [{ port: pm-1.2, saturationMw: 2 }], laserOffsetsGhz: { laser-1: -10 } }'
    const { defects, twin } = requireKind(benchFromText(withDefects(written), 'b.yaml'), 'mesh')
    expect(twin.splitterSigmaRad).toBe(0.01)
    expect(defects).toEqual({
      swappedHeaters: [[20, 45]],
      deadHeaters: [0],
      stuckHeaters: [{ channel: 159, voltageV: 5 }],
      darkPorts: [{ meter: 'pm-0', port: 2 }],
      saturatedPorts: [{ meter: 'pm-1', port: 1, saturationMw: 2 }],
      laserOffsetsGhz: { 'laser-1': -10 },
    })
  })

  test.each([
    [
      '{ deadHeaters: [160] }',
      '28 twin.defects.deadHeaters[0] - is channel 160, which no heater has; see heaters.channels',
    ],
    [
      '{ deadHeaters: [3], swappedHeaters: [[3, 4]] }',
      '28 twin.defects.deadHeaters[0] - is channel 3, which has a defect already; give each channel one',
    ],
    ['{ swappedHeaters: [[3]] }', '31 twin.defects.swappedHeaters[0] - is a list; must hold at least 2 items'],
    [
      '{ stuckHeaters: [{ channel: 5, voltageV: -1 }] }',
      '53 twin.defects.stuckHeaters[0].voltageV - is -1; must be 0 to 100',
    ],
    [
      '{ saturatedPorts: [{ port: pm-7.1, saturationMw: 2 }] }',
      '39 twin.defects.saturatedPorts[0].port - "pm-7.1" is no meter port of a lane; see plus and minus of lanes',
    ],
    [
      '{ darkPorts: [pm-7.1] }',
      '26 twin.defects.darkPorts[0] - "pm-7.1" is no meter port of a lane; see plus and minus of lanes',
    ],
    [
      '{ laserOffsetsGhz: { laser-2: 1 } }',
      '42 twin.defects.laserOffsetsGhz.laser-2 - "laser-2" lights no lane; must be laser-0 or laser-1',
    ],
    ['{ deadHeater: [3] }', '14 twin.defects.deadHeater - is not known here; did you mean "deadHeaters"?'],
  ])('that the bench cannot have are refused with their place: %s', (written, problem) => {
    expect(problems(written)).toEqual([problem])
  })
})
