import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { benchFromText, readBenchFile, requireKind } from '../../bench/bench-file.ts'
import { BenchError } from '../../core/errors.ts'
import { svdCoreLayout } from '../../core/mesh-layout.ts'
import { RESOURCE_EXAMPLES } from '../../bench/resource.ts'
import { MESH_PARAMETERS } from '../../sim/optics/parameters/mesh-parameters.ts'

/** The smallest bench: two inputs, one lane. Line numbers of the expectations count from its first line. */
const SMALL = `name: small
core: { kind: mesh, layout: clements, size: 2 }
instruments:
  laser: { driver: oif-itla, resource: ASRL/dev/a::INSTR }
  awg: { driver: keysight-m8195a, resource: TCPIP::10.0.0.1::5025::SOCKET }
  mbx-0: { driver: thorlabs-mbx, resource: ASRL/dev/b::INSTR }
  mbx-1: { driver: thorlabs-mbx, resource: ASRL/dev/c::INSTR }
  shifters: { driver: qontrol-q8, resource: ASRL/dev/d::INSTR, modules: 2 }
  pm: { driver: keysight-n7745, resource: TCPIP::10.0.0.2::5025::SOCKET }
  daq: { driver: labjack-t7, resource: MODBUS::10.0.0.3::502::1 }
  oven: { driver: omron-e5cc, resource: MODBUS::/dev/e::9600-8E1::1 }
  wall: { driver: eastron-sdm120, resource: MODBUS::/dev/f::9600-8N1::1 }
lanes:
  - laser: laser
    frequencyThz: 193.1
    powerDbm: 13
    drive: [awg.1-2]
    bias: [mbx-0, mbx-1]
    plus: [pm.1, pm.2]
    minus: [pm.3-4]
frame: { symbolPeriodUs: 40, pointsPerSymbol: 4, maxSymbols: 512 }
drive: { amplitudeV: 0.5 }
detection: { kind: balanced-homodyne, rangeDbm: 0 }
trigger: { source: awg, targets: [pm] }
heaters:
  bank: shifters
  limitV: 9.5
  settleMs: 2
  channels:
    input: [0-1]
    first: { phi: 2, theta: 3 }
    sigma: { phi: 4-5, theta: [6, 7] }
    second: { phi: 8, theta: 9 }
    lo: [11-10]
taps: { monitor: daq, firstInput: 0 }
ovens:
  - { name: chip, controller: oven, temperatureC: 30 }
mains: wall
safe: { lasers: dark, bias: parked, generators: off, heatersV: 0, ovens: stopped, deadlineS: 15 }
`

function faults(text: string): readonly string[] {
  try {
    benchFromText(text, 'b.yaml')
  } catch (error) {
    if (error instanceof BenchError && error.code === 'BENCH_FILE_INVALID') return error.message.split('\n')
    throw error
  }
  return []
}

/** The small bench with one thing changed. */
function changed(from: string, to: string): string {
  if (!SMALL.includes(from)) throw new Error(`the small bench does not contain ${from}`)
  return SMALL.replace(from, to)
}

describe('a bench file', () => {
  test('says who is wired to what; connectors inside Fringe count from 0', () => {
    const { wiring, name, instruments } = requireKind(benchFromText(SMALL, 'b.yaml'), 'mesh')
    expect(name).toBe('small')
    expect([...instruments.keys()]).toHaveLength(9)
    expect(wiring.lanes[0]?.drive).toMatchObject([
      { instrument: 'awg', index: 0 },
      { instrument: 'awg', index: 1 },
    ])
    expect(wiring.lanes[0]?.minus.map(({ index }) => index)).toEqual([2, 3])
    expect(wiring.heaters.channels).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 10])
    expect(wiring.frame.symbolPeriodS).toBe(40e-6)
    expect(wiring.safeDeadlineMs).toBe(15_000)
  })

  test('gives a Modbus driver the unit at the end of its resource', () => {
    const text = changed('MODBUS::/dev/e::9600-8E1::1', 'MODBUS::/dev/e::9600-8E1::17')
    expect(benchFromText(text, 'b.yaml').instruments.get('oven')?.settings).toMatchObject({ unit: 17 })
  })

  test('has a hash of what it means: comments, layout and the order of keys do not count, a number does', () => {
    const { hash } = benchFromText(SMALL, 'b.yaml')
    const [first = '', second = '', ...rest] = SMALL.split('\n')
    const rewritten = [`# Monday`, second, '', `"name":   small  # ${first}`, ...rest].join('\n')
    expect(benchFromText(rewritten, 'other.yaml').hash).toBe(hash)
    expect(benchFromText(changed('amplitudeV: 0.5', 'amplitudeV: 0.50'), 'b.yaml').hash).toBe(hash)
    expect(benchFromText(changed('amplitudeV: 0.5', 'amplitudeV: 0.51'), 'b.yaml').hash).not.toBe(hash)
    expect(benchFromText(`${SMALL}twin: { splitterSigmaRad: 0 }\n`, 'b.yaml').hash).not.toBe(hash)
  })

  test('describes the twin: what it names, and the defaults for the rest', () => {
    const text = `${SMALL}twin: { splitterSigmaRad: 0, heaterSpread: 0.1 }\n`
    const { twin } = requireKind(benchFromText(text, 'b.yaml'), 'mesh')
    expect(twin.splitterSigmaRad).toBe(0)
    expect(twin.heaterSpread).toBe(0.1)
    expect(twin.mzmVpiV).toBe(MESH_PARAMETERS.mzmVpiV.value)
    expect(Object.keys(twin)).toEqual(Object.keys(MESH_PARAMETERS))
  })
})

test('a source meter needs no role: no section of the file has a place for it', () => {
  const instrument = '  smu: { driver: keysight-b2900, resource: TCPIP::10.0.0.9::hislip0::INSTR }\nlanes:'
  const { instruments } = benchFromText(changed('lanes:', instrument), 'b.yaml')
  expect([...instruments.keys()].at(-1)).toBe('smu')
})

describe('a fault in a bench file is named with its line, its column, and what would be right', () => {
  const cases: readonly (readonly [what: string, text: string, expected: readonly string[]])[] = [
    ['a misspelt key', changed('layout:', 'layut:'), ['2:21 core.layut - is not known here; did you mean "layout"?']],
    ['a misspelt section', changed('frame:', 'fram:'), ['21:1 fram - is not known here; did you mean "frame"?']],
    [
      'a key that means nothing',
      `${SMALL}colour: green\n`,
      [
        '40:1 colour - is not known here; known: name, core, instruments, lanes, frame, drive, detection, trigger, heaters, taps, ovens, mains, and 2 more',
      ],
    ],
    [
      'a missing section',
      changed('mains: wall\n', ''),
      ['1:1 mains - is missing: the energy meter in the supply of the whole bench'],
    ],
    [
      'a missing key',
      changed('    powerDbm: 13\n', ''),
      ['14:5 lanes[0].powerDbm - is missing: set point of the laser'],
    ],
    [
      'a value left out',
      changed('bank: shifters', 'bank:'),
      [
        '26:3 heaters.bank - is empty; must be the name of the heater bank, or a list of channels like [chain-0.0-511, chain-1.0-511]',
      ],
    ],
    [
      'a word for a number',
      changed('powerDbm: 13', 'powerDbm: full'),
      ['16:15 lanes[0].powerDbm - is "full"; must be a number'],
    ],
    [
      'a number with its unit',
      changed('limitV: 9.5', 'limitV: 9.5V'),
      ['27:11 heaters.limitV - is "9.5V"; must be a number'],
    ],
    ['not a number', changed('limitV: 9.5', 'limitV: .nan'), ['27:11 heaters.limitV - is NaN; must be a number']],
    ['a number too large', changed('limitV: 9.5', 'limitV: 950'), ['27:11 heaters.limitV - is 950; must be 0 to 100']],
    [
      'too few points a symbol',
      changed('pointsPerSymbol: 4', 'pointsPerSymbol: 2'),
      ['21:47 frame.pointsPerSymbol - is 2; must be 3 to 1000'],
    ],
    [
      'half a symbol',
      changed('maxSymbols: 512', 'maxSymbols: 0.5'),
      ['21:62 frame.maxSymbols - is 0.5; must be a whole number'],
    ],
    [
      'points shorter than a meter can',
      changed('symbolPeriodUs: 40', 'symbolPeriodUs: 3'),
      ['21:26 frame.symbolPeriodUs - leaves less than 1 µs for each of 4 points; must be at least 4'],
    ],
    ['another core', changed('kind: mesh', 'kind: mash'), ['2:15 core.kind - is "mash"; must be "mesh" or "awgr"']],
    ['an unsafe safe state', changed('heatersV: 0', 'heatersV: 1'), ['39:64 safe.heatersV - is 1; must be 0']],
    [
      'one thing where a list belongs',
      changed('[awg.1-2]', 'awg.1-2'),
      ['17:12 lanes[0].drive - is "awg.1-2"; must be a list'],
    ],
    [
      'a list where one thing belongs',
      changed('mains: wall', 'mains: [wall]'),
      ['38:8 mains - is a list; must be text'],
    ],
    ['a connector without its instrument', changed('pm.2]', '2]'), ['19:18 lanes[0].plus[1] - is 2; must be text']],
    [
      'a connector written another way',
      changed('[awg.1-2]', '[awg-1, awg-2]'),
      [
        '17:13 lanes[0].drive[0] - is "awg-1"; must name an instrument and its numbers on the front panel, like awg-0.1 or awg-0.1-4',
        '17:20 lanes[0].drive[1] - is "awg-2"; must name an instrument and its numbers on the front panel, like awg-0.1 or awg-0.1-4',
      ],
    ],
    [
      'a connector 0',
      changed('[awg.1-2]', '[awg.0-1]'),
      ['17:13 lanes[0].drive[0] - "awg.0" does not exist; connectors count from 1, as on the front panel'],
    ],
    [
      'heater channels written another way',
      changed('phi: 4-5', 'phi: 4 to 5'),
      ['32:19 heaters.channels.sigma.phi - is "4 to 5"; must be channels of the heater bank: 5, 0-7 or [0-3, 8-11]'],
    ],
    [
      'an unknown driver',
      changed('oif-itla', 'oif-ilta'),
      ['4:20 instruments.laser.driver - there is no driver "oif-ilta"; did you mean "oif-itla"?'],
    ],
    [
      'a driver that is nothing like one',
      changed('oif-itla', 'tunable'),
      [
        '4:20 instruments.laser.driver - there is no driver "tunable"; known: oif-itla, thorlabs-mbx, keysight-m8195a, keysight-n7745, qontrol-q8, omron-e5cc, eastron-sdm120, labjack-t7, keysight-b2900, waveshaper',
      ],
    ],
    [
      'an instrument without a driver',
      changed('driver: oif-itla, ', ''),
      ['4:3 instruments.laser.driver - is missing: which driver speaks to it'],
    ],
    [
      'an unknown setting',
      changed('driver: oif-itla, ', 'driver: oif-itla, colour: red, '),
      [
        '4:30 instruments.laser.colour - is not known here; known: serial, frequencyRangeThz, powerRangeDbm, settleTimeoutMs',
      ],
    ],
    [
      'the unit of a Modbus instrument written twice',
      changed('driver: omron-e5cc, ', 'driver: omron-e5cc, unit: 2, '),
      ['11:31 instruments.oven.unit - stands at the end of the resource already; remove it here'],
    ],
    [
      'a unit that the driver does not know',
      changed('9600-8E1::1', '9600-8E1::200'),
      ['11:41 instruments.oven.resource - the unit at the end of "MODBUS::/dev/e::9600-8E1::200" must be 1 to 99'],
    ],
    [
      'a resource that is none',
      changed('ASRL/dev/a::INSTR', '/dev/a'),
      [
        `4:40 instruments.laser.resource - "/dev/a" is not a resource name; write it like ${Object.values(RESOURCE_EXAMPLES).join(' or ')}`,
      ],
    ],
    [
      'a wire that the driver does not speak',
      changed('ASRL/dev/a::INSTR', 'TCPIP::10.0.0.9::5025::SOCKET'),
      [
        '4:40 instruments.laser.resource - "TCPIP::10.0.0.9::5025::SOCKET" is a raw socket, which oif-itla does not speak; write it like ASRL/dev/ttyUSB0::INSTR',
      ],
    ],
    [
      'a resource used twice',
      changed('ASRL/dev/b::INSTR', 'ASRL/dev/a::INSTR'),
      [
        '6:44 instruments.mbx-0.resource - /dev/a already belongs to "laser"; every instrument has a resource of its own',
      ],
    ],
    [
      'an address used twice, once in capitals',
      changed('10.0.0.1::', 'lab::').replace('10.0.0.2::', 'LAB::'),
      ['9:43 instruments.pm.resource - lab:5025 already belongs to "awg"; every instrument has a resource of its own'],
    ],
    [
      'two units on one serial line',
      changed('MODBUS::/dev/f::9600-8N1::1', 'MODBUS::/dev/e::9600-8E1::2'),
      [
        '12:45 instruments.wall.resource - /dev/e already serves "oven"; sharing a serial line between units is not supported by this version, give each its own adapter',
      ],
    ],
    [
      'a name with a dot',
      changed('  oven: {', '  ov.en: {').replace('controller: oven', 'controller: ov.en'),
      [
        '11:3 instruments.ov.en - "ov.en" must begin with a letter and hold letters, digits, "-" and "_" only',
        '37:31 ovens[0].controller - is "ov.en"; must begin with a letter and hold letters, digits, "-" and "_" only',
      ],
    ],
    [
      'no instruments',
      changed('instruments:', 'instruments: none\ntwin:').replace(/twin:[^]*lanes:/, 'lanes:'),
      [
        '3:14 instruments - is "none"; list every instrument like laser-0: { driver: oif-itla, resource: ASRL/dev/ttyUSB0::INSTR }',
      ],
    ],
    [
      'a missing instrument',
      changed('monitor: daq', 'monitor: dak'),
      ['35:18 taps.monitor - there is no instrument "dak"; did you mean "daq"?'],
    ],
    [
      'an instrument that nothing uses',
      changed('lanes:', '  spare: { driver: thorlabs-mbx, resource: ASRL/dev/s::INSTR }\nlanes:'),
      [
        '13:10 instruments.spare - "spare" is wired to nothing; name it in lanes, heaters, taps, ovens or mains, or remove it',
      ],
    ],
    [
      'a driver of the wrong kind for its place',
      changed('mains: wall', 'mains: daq').replace('monitor: daq', 'monitor: wall'),
      [
        '35:18 taps.monitor - "wall" is an energy meter (eastron-sdm120); a voltage monitor belongs here, such as labjack-t7',
        '38:8 mains - "daq" is a voltage monitor (labjack-t7); an energy meter belongs here, such as eastron-sdm120',
      ],
    ],
    [
      'one controller for two modulators',
      changed('[mbx-0, mbx-1]', '[mbx-0, mbx-0]'),
      [
        '7:10 instruments.mbx-1 - "mbx-1" is wired to nothing; name it in lanes, heaters, taps, ovens or mains, or remove it',
        '18:19 lanes[0].bias[1] - "mbx-0" is already used by lanes[0].bias[0]; a bias controller serves one place',
      ],
    ],
    [
      'a channel used twice',
      changed('[awg.1-2]', '[awg.1, awg.1]'),
      ['17:20 lanes[0].drive[1] - "awg.1" is already used by lanes[0].drive[0]; every connector carries one signal'],
    ],
    [
      'a port used twice, in a range',
      changed('[pm.3-4]', '[pm.2-3]'),
      ['20:13 lanes[0].minus[0] - "pm.2" is already used by lanes[0].plus[1]; every connector carries one signal'],
    ],
    [
      'a heater channel used twice',
      changed('[0-1]', '[1-2]'),
      [
        '31:19 heaters.channels.first.phi - channel 2 is already used by heaters.channels.input[0]; every heater has its own',
      ],
    ],
    [
      'too few ports',
      changed('[pm.3-4]', '[pm.3]'),
      ['20:12 lanes[0].minus - lists 1 for a core with 2 outputs; list 2'],
    ],
    [
      'too many heater channels',
      changed('phi: 8,', 'phi: 8-12,'),
      ['33:20 heaters.channels.second.phi - lists 5 channels for 1 heaters; list 1'],
    ],
    [
      'a lane without heaters',
      changed('[0-1]', '[]'),
      ['30:12 heaters.channels.input - lists 0 lanes of 1; give each lane its channels'],
    ],
    [
      'a size that nothing else has',
      changed('size: 2', 'size: 3'),
      ['2:45 core.size - is 3, but every lane wires 2 inputs and outputs; must be 2'],
    ],
    [
      'a frequency between the grid’s',
      changed('193.1', '193.15'),
      ['15:19 lanes[0].frequencyThz - is 193.15, not on the ITU grid 193.1 + n × 0.1 THz; nearest: 193.1 and 193.2'],
    ],
    [
      'a trigger from something that plays nothing',
      changed('source: awg', 'source: pm'),
      [
        '24:20 trigger.source - "pm" drives no modulator; must be one of awg',
        '24:33 trigger.targets - lacks awg; it waits for the trigger of every frame',
        '24:34 trigger.targets[0] - "pm" is the source; it starts itself',
      ],
    ],
    [
      'a meter without a trigger',
      changed('[pm] }', '[] }'),
      ['24:34 trigger.targets - lacks pm; it waits for the trigger of every frame'],
    ],
    [
      'a trigger to something that waits for none',
      changed('[pm] }', '[pm, daq, pm] }'),
      [
        '24:39 trigger.targets[1] - "daq" waits for no trigger; list generators and meters of the lanes only',
        '24:44 trigger.targets[2] - "pm" stands here twice; keep one',
      ],
    ],
    [
      'a parameter that the twin has not',
      `${SMALL}twin: { splitterSigma: 0.02 }\n`,
      ['40:9 twin.splitterSigma - is not known here; did you mean "splitterSigmaRad"?'],
    ],
    [
      'a parameter outside its limits',
      `${SMALL}twin: { splitterSigmaRad: 2 }\n`,
      ['40:27 twin.splitterSigmaRad - is 2; must be 0 to 0.3'],
    ],
    [
      'a key twice',
      changed('  bank: shifters', '  bank: shifters\n  bank: shifters'),
      ['27:3 YAML - this key stands twice in one map; keep one of them'],
    ],
    [
      'a tab',
      changed('  bank: shifters', '\tbank: shifters'),
      ['26:1 YAML - a tab indents this line; YAML is indented with spaces'],
    ],
    [
      'a bracket left open',
      'name: [small\ncore: 1\n',
      ['2:1 YAML - Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    [
      'a second document',
      `${SMALL}---\nname: other\n`,
      ['40:1 YAML - a second document begins here; a bench is one document'],
    ],
    [
      'a tag',
      changed('name: small', 'name: !!python/name:os.system small'),
      ['1:7 YAML - this tag means nothing here; remove it'],
    ],
    [
      'an alias inside its own anchor',
      'name: &a [*a]\n',
      ['1:1 YAML - aliases nest without end; write the values out'],
    ],
    [
      'prose',
      'The bench is in room 3.\n',
      [
        '1:1 bench file - is "The bench is in room 3."; a bench file is a map with the keys name, core, instruments, lanes, frame, drive, detection, trigger, heaters, taps, ovens, mains, safe, twin',
      ],
    ],
    ['nothing', '\n\n', ['1:1 bench file - is empty; begin from examples/mesh-8x8.yaml']],
    [
      'several at once, in the order of the lines',
      changed('oif-itla', 'oif-ilta')
        .replace('powerDbm: 13', 'powerDbm: 99')
        .replace('phi: 2,', 'phi: 3,')
        .replace('[pm] }', '[] }'),
      [
        '4:20 instruments.laser.driver - there is no driver "oif-ilta"; did you mean "oif-itla"?',
        '16:15 lanes[0].powerDbm - is 99; must be -30 to 30',
      ],
    ],
  ]
  test.each(cases)('%s', (_, text, expected) => {
    expect(faults(text)).toEqual(expected.map((line) => `b.yaml:${line}`))
  })

  test('programs find the same in the context of the error', () => {
    const read = (): unknown => benchFromText(changed('limitV: 9.5', 'limitV: 950'), 'b.yaml')
    const problem = { line: 27, column: 11, path: 'heaters.limitV', message: 'is 950; must be 0 to 100' }
    expect(read).toThrow(expect.objectContaining({ context: { file: 'b.yaml', problems: [problem] } }) as Error)
  })
})

describe('a bench file on disk', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fringe-bench-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('is read with the path as the name in its messages', async () => {
    const path = join(folder, 'small.yaml')
    await writeFile(path, SMALL)
    expect((await readBenchFile(path)).hash).toBe(benchFromText(SMALL, 'b.yaml').hash)
    await writeFile(path, 'name: 3\n')
    await expect(readBenchFile(path)).rejects.toThrow(`${path}:1:7 name - is 3; must be text`)
  })

  test.each([
    [
      'that does not exist',
      () => join(folder, 'none.yaml'),
      'there is no such file; give the path of a bench file, for example examples/mesh-8x8.yaml',
    ],
    [
      'that is a folder',
      () => folder,
      'is a folder; give the path of a bench file, for example examples/mesh-8x8.yaml',
    ],
  ])('%s', async (_, path, why) => {
    await expect(readBenchFile(path())).rejects.toMatchObject({
      code: 'BENCH_FILE_INVALID',
      message: `${path()} ${why}`,
    })
  })

  test.each([
    ['an image', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a])],
    ['text in another encoding', Buffer.from('name: caf\xe9\n', 'latin1')],
    ['text with NUL bytes', Buffer.from('n\0a\0m\0e\0')],
  ])('that holds %s', async (_, bytes) => {
    const path = join(folder, 'not-text.yaml')
    await writeFile(path, bytes)
    await expect(readBenchFile(path)).rejects.toMatchObject({
      code: 'BENCH_FILE_INVALID',
      message: `${path} is not a text file; a bench file is YAML in UTF-8`,
    })
  })

  test('that is empty', async () => {
    const path = join(folder, 'empty.yaml')
    await writeFile(path, '')
    await expect(readBenchFile(path)).rejects.toThrow(`${path}:1:1 bench file - is empty`)
  })
})

describe('the default bench', () => {
  test('has 8 inputs, 2 lanes, 16 modulators, 160 heaters and 32 ports, each used once', async () => {
    const { wiring, instruments } = requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh')
    const { lanes, heaters } = wiring
    expect(instruments.size).toBe(2 + 4 + 16 + 1 + 4 + 1 + 2 + 1)
    expect(lanes.map(({ frequencyThz, powerDbm }) => [frequencyThz, powerDbm])).toEqual([
      [193.1, 13],
      [193.2, 13],
    ])
    const drives = lanes.flatMap(({ drive }) => drive.map(({ instrument, index }) => `${instrument}.${index}`))
    expect(new Set(drives).size).toBe(16)
    expect(new Set(lanes.flatMap(({ bias }) => bias)).size).toBe(16)
    const ports = lanes.flatMap(({ plus, minus }) =>
      [...plus, ...minus].map((port) => `${port.instrument}.${port.index}`),
    )
    expect(new Set(ports).size).toBe(32)
    expect(heaters.channels).toEqual(Array.from({ length: svdCoreLayout(8, 2).heaters.length }, (_, index) => index))
    expect(wiring.generators).toEqual(['awg-0', 'awg-1', 'awg-2', 'awg-3'])
    expect(wiring.meters).toEqual(['pm-0', 'pm-1', 'pm-2', 'pm-3'])
    expect(wiring.ovens.map(({ name, temperatureC }) => [name, temperatureC])).toEqual([
      ['mux', 25],
      ['chip', 30],
    ])
  })

  test('drives every modulator of the twin’s spread beyond its Vπ', async () => {
    const { wiring, twin } = await readBenchFile('examples/mesh-8x8.yaml')
    const swing = wiring.driveAmplitudeV * twin.driverGain
    // Three standard deviations of the spread: 99.7 % of all modulators.
    expect(swing).toBeGreaterThan(twin.mzmVpiV * (1 + 3 * twin.mzmVpiSpread))
  })

  test('can shift every heater by 2π under its voltage limit', async () => {
    const { wiring, twin } = await readBenchFile('examples/mesh-8x8.yaml')
    const powerMw = (wiring.heaters.limitV ** 2 / twin.heaterResistanceOhm) * 1e3
    expect(powerMw).toBeGreaterThan(2 * twin.heaterPiPowerMw * (1 + 3 * twin.heaterSpread))
  })

  test('with any piece of it replaced by anything is read or refused, never anything else', async () => {
    const text = await readFile('examples/mesh-8x8.yaml', 'utf8')
    const scrap = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        '',
        '\n',
        '  ',
        '- ',
        '{',
        '}',
        '[',
        ']',
        ':',
        '&a ',
        '*a',
        '!!x ',
        '"',
        '0-99999999',
        '.nan',
        'null',
        '|',
        '1e999',
        '__proto__: 1\n',
        '<<: 2\n',
        '? ',
      ),
    )
    const edit = fc.record({ at: fc.nat(text.length), length: fc.nat(40), scrap })
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let damaged = text
        for (const { at, length, scrap: piece } of edits)
          damaged = damaged.slice(0, at) + piece + damaged.slice(at + length)
        for (const line of faults(damaged)) expect(line).toMatch(/^b\.yaml:[1-9]\d*:[1-9]\d* .+ - .+/)
      }),
      { numRuns: 100 },
    )
  })
})
