import { setMaxListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { benchFromText, readBenchFile, requireKind } from '../../bench/bench-file.ts'
import type { AwgrBenchFile } from '../../bench/bench-file.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { startDirectTwin } from '../../bench/direct-twin.ts'
import { openBench, openMeshBench } from '../../bench/open-bench.ts'
import { awgrOutput } from '../../core/awgr-layout.ts'
import { VirtualClock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import { PRESETS } from '../../sim/optics/parameters/presets.ts'
import { AWGR_PARAMETERS } from '../../sim/optics/parameters/awgr-parameters.ts'

const EXAMPLE = 'examples/awgr-16.yaml'

/** The smallest bench with an AWGR. Line numbers of the expectations count from its first line. */
const SMALL = `name: small
core: { kind: awgr, form: per-port, size: 2, channelSpacingGhz: 100 }
instruments:
  laser-0: { driver: oif-itla, resource: ASRL/dev/a::INSTR }
  laser-1: { driver: oif-itla, resource: ASRL/dev/g::INSTR }
  awg: { driver: keysight-m8195a, resource: TCPIP::10.0.0.1::5025::SOCKET }
  mbx-0: { driver: thorlabs-mbx, resource: ASRL/dev/b::INSTR }
  mbx-1: { driver: thorlabs-mbx, resource: ASRL/dev/c::INSTR }
  shifters: { driver: qontrol-q8, resource: ASRL/dev/d::INSTR, modules: 1 }
  pm: { driver: keysight-n7745, resource: TCPIP::10.0.0.2::5025::SOCKET }
  oven: { driver: omron-e5cc, resource: MODBUS::/dev/e::9600-8E1::1 }
  wall: { driver: eastron-sdm120, resource: MODBUS::/dev/f::9600-8N1::1 }
wavelengths:
  - { laser: laser-0, frequencyThz: 193.1, powerDbm: 13 }
  - { laser: laser-1, frequencyThz: 193.2, powerDbm: 13 }
ports:
  drive: [awg.1-2]
  bias: [mbx-0, mbx-1]
  plus: [pm.1-2]
  minus: [pm.3-4]
frame: { symbolPeriodUs: 40, pointsPerSymbol: 4, maxSymbols: 512 }
drive: { amplitudeV: 0.5 }
detection: { kind: balanced-intensity, rangeDbm: 0 }
trigger: { source: awg, targets: [pm] }
heaters:
  bank: shifters
  limitV: 2.5
  settleMs: 2
  channels: { rings: [0-1, 3-2] }
ovens: [{ name: chip, controller: oven, temperatureC: 30 }]
mains: wall
safe: { lasers: dark, bias: parked, generators: off, heatersV: 0, ovens: stopped, deadlineS: 15 }
`

const small = (text = SMALL): AwgrBenchFile => requireKind(benchFromText(text, 'b.yaml'), 'awgr')

function faults(text: string): readonly string[] {
  try {
    benchFromText(text, 'b.yaml')
  } catch (error) {
    if (error instanceof BenchError && error.code === 'BENCH_FILE_INVALID') return error.message.split('\n')
    throw error
  }
  return []
}

/** The small bench with something changed. */
function changed(...changes: readonly (readonly [from: string, to: string])[]): string {
  let text = SMALL
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`the small bench does not contain ${from}`)
    text = text.replace(from, to)
  }
  return text
}

describe('the file of a bench with an AWGR', () => {
  test('says who is wired to what, ring by ring', () => {
    const { wiring } = small()
    expect(wiring.form).toBe('per-port')
    expect(wiring.wavelengths.map(({ laser, frequencyThz }) => [laser, frequencyThz])).toEqual([
      ['laser-0', 193.1],
      ['laser-1', 193.2],
    ])
    expect(wiring.ports.minus.map(({ index }) => index)).toEqual([2, 3])
    expect(wiring.heaters.channels).toEqual([0, 1, 3, 2])
    expect(wiring.generators).toEqual(['awg'])
    expect(wiring.meters).toEqual(['pm'])
  })

  test('may give one bank of rings to all ports', () => {
    const { wiring } = small(changed(['form: per-port', 'form: shared'], ['[0-1, 3-2]', '[4-5]']))
    expect(wiring.heaters.channels).toEqual([4, 5])
  })

  test('describes the twin: what it names, and the defaults for the rest', () => {
    const { twin } = small(`${SMALL}twin: { ringFwhmGhz: 25 }\n`)
    expect(twin.ringFwhmGhz).toBe(25)
    expect(twin.awgrLossDb).toBe(AWGR_PARAMETERS.awgrLossDb.value)
    expect(Object.keys(twin)).toEqual(Object.keys(AWGR_PARAMETERS))
  })

  test('is refused where a mesh is needed, and a mesh where it is', async () => {
    const refusal = { code: 'CALL_INVALID', message: expect.stringContaining('kind "awgr"') as string }
    const options = { connect: () => Promise.reject(new Error('nothing is opened')), clock: new VirtualClock() }
    const opening = openMeshBench(small(), { ...options, signal: new AbortController().signal })
    await expect(opening).rejects.toMatchObject(refusal)
    const mesh = await readBenchFile('examples/mesh-8x8.yaml')
    expect(() => requireKind(mesh, 'awgr')).toThrow(
      'examples/mesh-8x8.yaml describes a bench with a core of kind "mesh"',
    )
  })
})

describe('a fault in the file of a bench with an AWGR is named with its place, and what would be right', () => {
  const known = [AWGR_PARAMETERS, PRESETS].flatMap(Object.keys)
  const twin = (text: string): string => `${SMALL}twin: { ${text} }\n`
  const cases: readonly (readonly [what: string, text: string, expected: readonly string[]])[] = [
    ['a core without ports', changed(['size: 2', 'size: 0']), ['2:43 core.size - is 0; must be 2 to 64']],
    [
      'another form',
      changed(['per-port', 'per-wavelength']),
      ['2:27 core.form - is "per-wavelength"; must be "per-port" or "shared"'],
    ],
    [
      'a spacing of no grid',
      changed(['Ghz: 100', 'Ghz: 80']),
      ['2:65 core.channelSpacingGhz - is 80; must be 12.5 or 25 or 50 or 100 or 200'],
    ],
    [
      'a section of another core',
      `${SMALL}taps: { monitor: daq, firstInput: 0 }\n`,
      ['33:1 taps - belongs to a core of kind "mesh", and this one is "awgr"; remove it'],
    ],
    ['a misspelt section', changed(['ports:', 'prots:']), ['16:1 prots - is not known here; did you mean "ports"?']],
    [
      'more wavelengths than the free spectral range holds',
      changed(
        ['ports:', '  - { laser: laser-2, frequencyThz: 193.3, powerDbm: 13 }\nports:'],
        ['  awg:', '  laser-2: { driver: oif-itla, resource: ASRL/dev/h::INSTR }\n  awg:'],
      ),
      ['14:1 wavelengths - lists 3, but the free spectral range of a 2 × 2 router holds 2; list 2'],
    ],
    [
      'too few ports',
      changed(['[awg.1-2]', '[awg.1]'], ['[pm.3-4]', '[pm.3]']),
      [
        '17:10 ports.drive - lists 1 for a core with 2 inputs; list 2',
        '20:10 ports.minus - lists 1 for a core with 2 outputs; list 2',
      ],
    ],
    [
      'a size that nothing else has',
      changed(['size: 2', 'size: 4']),
      ['2:43 core.size - is 4, but 2 wavelengths and ports are wired; must be 2'],
    ],
    [
      'a frequency off the grid',
      changed(['193.1,', '193.15,'], ['193.2,', '193.25,']),
      [
        '14:37 wavelengths[0].frequencyThz - is 193.15, not on the ITU grid 193.1 + n × 0.1 THz; nearest: 193.1 and 193.2',
      ],
    ],
    [
      'frequencies that contradict the spacing',
      changed(['193.2,', '193.3,']),
      ['15:37 wavelengths[1].frequencyThz - is 193.3, not one channel of 100 GHz above wavelengths[0]; must be 193.2'],
    ],
    [
      'frequencies the other way round',
      changed(['193.1,', '193.3,']),
      ['15:37 wavelengths[1].frequencyThz - is 193.2, not one channel of 100 GHz above wavelengths[0]; must be 193.4'],
    ],
    [
      'one laser for two wavelengths',
      changed(['laser: laser-1', 'laser: laser-0']),
      [
        '5:12 instruments.laser-1 - "laser-1" is wired to nothing; name it in wavelengths, ports, heaters, ovens or mains, or remove it',
        '15:14 wavelengths[1].laser - "laser-0" is already used by wavelengths[0].laser; a laser serves one place',
      ],
    ],
    [
      'a bank too few',
      changed(['[0-1, 3-2]', '[0-3]']),
      ['29:22 heaters.channels.rings - lists 1 ring banks of 2; give each port its channels'],
    ],
    [
      'a bank for each port of a shared core',
      changed(['form: per-port', 'form: shared']),
      ['29:22 heaters.channels.rings - lists 2 ring banks of 1; all ports share one'],
    ],
    [
      'a ring without a heater',
      changed(['[0-1, 3-2]', '[0-1, 3]']),
      ['29:28 heaters.channels.rings[1] - lists 1 channels for 2 heaters; list 2'],
    ],
    [
      'a heater for two rings',
      changed(['[0-1, 3-2]', '[0-1, 1-2]']),
      [
        '29:28 heaters.channels.rings[1] - channel 1 is already used by heaters.channels.rings[0]; every heater has its own',
      ],
    ],
    [
      'a trigger for nobody',
      changed(['[pm] }', '[pm, oven] }']),
      ['24:39 trigger.targets[1] - "oven" waits for no trigger; list generators and meters of the ports only'],
    ],
    [
      'an instrument that is wired to nothing',
      changed(['wavelengths:', '  daq: { driver: labjack-t7, resource: MODBUS::10.0.0.3::502::1 }\nwavelengths:']),
      [
        '13:8 instruments.daq - "daq" is wired to nothing; name it in wavelengths, ports, heaters, ovens or mains, or remove it',
      ],
    ],
    [
      'another detection',
      changed(['balanced-intensity', 'balanced-homodyne']),
      ['23:20 detection.kind - is "balanced-homodyne"; must be "balanced-intensity"'],
    ],
    [
      'a parameter of another chip',
      twin('mziLossDb: 0'),
      [
        `33:9 twin.mziLossDb - is not known here; known: ${known.slice(0, 12).join(', ')}, and ${known.length - 12} more`,
      ],
    ],
    ['a loss that would be gain', twin('awgrLossDb: -1'), ['33:21 twin.awgrLossDb - is -1; must be 0 to 40']],
    [
      'passbands wider than the grid',
      twin('awgrPassband3DbGhz: 120'),
      ['33:29 twin.awgrPassband3DbGhz - is 120, wider than the channels’ 100 GHz; must be at most 100'],
    ],
    [
      'resonances wider than the grid',
      twin('ringFwhmGhz: 150'),
      ['33:22 twin.ringFwhmGhz - is 150, wider than the channels’ 100 GHz; must be at most 100'],
    ],
    [
      'a grid finer than the twin’s parts',
      changed(['Ghz: 100', 'Ghz: 50'], ['193.2,', '193.15,']),
      [
        '2:65 core.channelSpacingGhz - is 50, less than the twin’s passbands of 75 GHz; give twin.awgrPassband3DbGhz for this chip, at most 50',
      ],
    ],
    [
      'rings that cannot tell the wavelengths apart',
      twin('ringFreeSpectralRangeThz: 0.15'),
      [
        '33:35 twin.ringFreeSpectralRangeThz - is 0.15; the rings’ free spectral range of 0.15 THz holds 1 channel of 100 GHz; 2 need twin.ringFreeSpectralRangeThz of at least 0.2',
      ],
    ],
  ]
  test.each(cases)('%s', (_, text, expected) => {
    expect(faults(text)).toEqual(expected.map((line) => `b.yaml:${line}`))
  })
})

describe('the example of an AWGR', () => {
  test('has 16 wavelengths, 16 inputs and outputs, and 256 rings, each with a heater of its own', async () => {
    const { wiring } = requireKind(await readBenchFile(EXAMPLE), 'awgr')
    expect(wiring.wavelengths).toHaveLength(16)
    expect(wiring.heaters.channels).toEqual(Array.from({ length: 256 }, (_, heater) => heater))
    const ports = [...wiring.ports.plus, ...wiring.ports.minus].map(({ instrument, index }) => `${instrument}.${index}`)
    expect(new Set(ports).size).toBe(32)
  })

  test('gives every ring of the twin’s spread the heat to reach its wavelength', async () => {
    const { wiring, twin } = requireKind(await readBenchFile(EXAMPLE), 'awgr')
    const weakest = 1 - 3 * twin.heaterSpread
    const powerMw = (wiring.heaters.limitV ** 2 / twin.heaterResistanceOhm) * 1e3
    const reachGhz = (weakest * powerMw * twin.ringFreeSpectralRangeThz * 1e3) / (2 * twin.heaterPiPowerMw)
    expect(reachGhz).toBeGreaterThan(twin.ringBlueOffsetGhz + 3 * twin.ringOffsetSigmaGhz + twin.ringFwhmGhz)
  })
})

describe.each(['wire', 'direct'] as const)('a bench with an AWGR, open on its %s twin', (way) => {
  test('sends each wavelength of each input to the output that the routing law says', async () => {
    const { signal } = new AbortController()
    // Every instrument of the bench listens to it.
    setMaxListeners(0, signal)
    const clock = new VirtualClock()
    const file = requireKind(await readBenchFile(EXAMPLE), 'awgr')
    await using twin = await startTwin(file, { seed: 4, clock, mode: 'pipe' })
    const direct = startDirectTwin(file, { seed: 4, clock })
    const { world } = way === 'wire' ? twin : direct
    const plug = way === 'wire' ? { connect: twin.connect } : { direct: direct.direct }
    await using open = await openBench(file, { ...plug, clock, signal })
    const { bench } = open
    const size = bench.layout.size
    expect(bench.kind).toBe('awgr')
    expect(bench.lasers).toHaveLength(size)
    expect(bench.lanes).toHaveLength(1)
    const [wavelength, port] = [5, 2]
    const { laser, frequencyThz, laserPower } = bench.lasers[wavelength]!
    await laser.setFrequencyThz(frequencyThz, signal)
    await laser.setPowerDbm(laserPower, signal)
    await laser.setEmission(true, signal)
    const { drive } = bench.lanes[0]!.modulators[port]!
    const generator = bench.generators[drive.generator]!
    await generator.configure({ symbolPeriodS: bench.timing.symbolPeriodS, amplitudeV: bench.driveAmplitudeV }, signal)
    await generator.hold(
      Int8Array.from({ length: generator.channelCount }, (_, channel) => (channel === drive.channel ? 112 : 0)),
      signal,
    )
    for (const { bias } of bench.lanes[0]!.modulators) await bias.lockNull(signal)
    const minusMw: number[] = []
    for (const { minus } of bench.lanes[0]!.detectors) {
      const meter = file.wiring.meters[minus!.meter]!
      minusMw.push(world.port('power-meter', meter).powerMw(minus!.port))
    }
    // Cold rings let the light through, so it is the minus side that is lit.
    expect(minusMw.indexOf(Math.max(...minusMw))).toBe(awgrOutput(size, port, wavelength))
  })
})
