import { z } from 'zod'
import type { Bench } from '../core/bench.ts'
import type { DriverEntry } from '../drivers/driver-entry.ts'
import { AWGR_PARAMETERS } from '../sim/optics/parameters/awgr-parameters.ts'
import { MESH_PARAMETERS } from '../sim/optics/parameters/mesh-parameters.ts'
import type { Parameters } from '../sim/optics/parameters/parameter.ts'
import { PRESETS } from '../sim/optics/parameters/presets.ts'

export type CoreKind = Bench['kind']
export const CORE_KINDS: readonly CoreKind[] = ['mesh', 'awgr']

/** Instruments and benches: no dots, so that `awg-0.1` is channel 1 of `awg-0`. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/
const name = z.string().regex(NAME, 'must begin with a letter and hold letters, digits, "-" and "_" only')

const connector = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_-]*\.\d+(-\d+)?$/,
    'must name an instrument and its numbers on the front panel, like awg-0.1 or awg-0.1-4',
  )
const connectors = z.array(connector).min(1)

const heaterText = 'must be channels of the heater bank: 5, 0-7 or [0-3, 8-11]'
const heaterChannel = z.union([z.int().min(0), z.string().regex(/^\d+(-\d+)?$/, heaterText)], { error: heaterText })
const heaterList = z
  .union([heaterChannel, z.array(heaterChannel)], { error: heaterText })
  .describe('channels of the heater bank, in the order of the chip: 5, 0-7 or [0-3, 8-11]')

const frequencyThz = z.number().min(180).max(240)
const laserPowerDbm = z.number().min(-30).max(30).describe('set point of the laser')
const modulators = {
  drive: connectors.describe('generator channel of the modulator at each input port, like awg-0.1-4'),
  bias: z.array(name).min(1).describe('bias controller of the modulator at each input port'),
}

const lane = z.strictObject({
  laser: name.describe('the instrument that lights this lane'),
  frequencyThz: frequencyThz.describe('optical frequency on the grid 193.1 + n × 0.1 THz'),
  powerDbm: laserPowerDbm,
  ...modulators,
  plus: connectors.describe(
    'meter port at the + output of each balanced coupler, or at each output of the core (intensity), like pm-0.1-8',
  ),
  minus: connectors
    .optional()
    .describe('meter port at the − output of each balanced coupler, like pm-1.1-8; intensity has none'),
})

const wavelength = z.strictObject({
  laser: name.describe('the instrument that lights this wavelength'),
  frequencyThz: frequencyThz.describe('optical frequency, one channel of the router above the one before'),
  powerDbm: laserPowerDbm,
})

const meshHeaters = z.strictObject({
  phi: heaterList,
  theta: heaterList,
})

/** The instruments a bench is made of, before their drivers have looked at the settings. */
export const instrumentSchema = z.looseObject({
  driver: z.string().describe('which driver speaks to it'),
  resource: z.string().describe('where it is plugged in, like TCPIP::10.0.0.5::5025::SOCKET'),
})

export const instrumentName = name

const benchName = name.describe('what this bench is called')

/** Sections that do not depend on the core. */
const COMMON = {
  frame: z
    .strictObject({
      symbolPeriodUs: z.number().min(1).max(1e6).describe('time one symbol stays on the modulators'),
      pointsPerSymbol: z.int().min(3).max(1000).describe('meter points a symbol; the first and last see its edges'),
      maxSymbols: z.int().min(1).max(1e6).describe('longest frame'),
    })
    .describe('a burst of symbols, captured at once'),
  drive: z
    .strictObject({ amplitudeV: z.number().min(0.001).max(10).describe('generator output at code +127') })
    .describe('the modulators’ drive'),
  trigger: z
    .strictObject({
      source: name.describe('the generator whose trigger output starts a frame'),
      targets: z.array(name).describe('everything its trigger output is cabled to'),
    })
    .describe('the trigger cable'),
  ovens: z
    .array(
      z.strictObject({
        name: name.describe('what is kept warm'),
        controller: name.describe('the temperature controller'),
        temperatureC: z.number().min(-50).max(200).describe('set point'),
      }),
    )
    .min(1)
    .describe('what is kept at a temperature'),
  mains: name.describe('the energy meter in the supply of the whole bench'),
  safe: z
    .strictObject({
      lasers: z.literal('dark'),
      bias: z.literal('parked'),
      generators: z.literal('off'),
      heatersV: z.literal(0),
      ovens: z.literal('stopped'),
      deadlineS: z.number().min(1).max(600).describe('longest time one instrument may take to become safe'),
    })
    .describe('the state in which every way out leaves the bench'),
} as const

const rangeDbm = z.number().min(-60).max(30).describe('fixed range of every meter port')

const bankText = 'must be the name of the heater bank, or a list of channels like [chain-0.0-511, chain-1.0-511]'
const bankChannels = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]*\.\d+-\d+$/, bankText)

/** What every `heaters` section says beside its channels. */
const heaterBank = {
  bank: z
    .union([name, z.array(bankChannels).min(1)], { error: bankText })
    .describe(
      'the instrument that drives the phase shifters, or channels of several that follow one another: [chain-0.0-511, chain-1.0-511]',
    ),
  limitV: z.number().min(0).max(100).describe('no heater ever gets more'),
  settleMs: z.number().min(0).max(60_000).describe('wait after a change before light is measured'),
}

/** What is wrong with the twin's chip, as written. */
export type Imperfect = Readonly<Record<string, number | string | undefined>> | undefined

/** What is broken or plugged in wrong on the twin's bench, for rehearsing what a calibration says of it. */
const defects = z
  .strictObject({
    swappedHeaters: z
      .array(z.array(z.int().min(0)).length(2).describe('two channels of the heater bank'))
      .optional()
      .describe('pairs of channels whose cables are exchanged, like [[20, 45]]'),
    deadHeaters: z.array(z.int().min(0)).optional().describe('channels whose cable is off'),
    stuckHeaters: z
      .array(
        z.strictObject({
          channel: z.int().min(0).describe('channel of the heater bank'),
          voltageV: z.number().min(0).max(100).describe('what its output gives, whatever it is told'),
        }),
      )
      .optional()
      .describe('channels whose output stands at one voltage'),
    darkPorts: connectors.optional().describe('meter ports that no light reaches, like pm-0.3'),
    saturatedPorts: z
      .array(
        z.strictObject({
          port: connector.describe('meter port, like pm-0.3'),
          saturationMw: z.number().min(1e-3).max(1e4).describe('light that leaves half its responsivity'),
        }),
      )
      .optional()
      .describe('meter ports whose photodiodes do not follow bright light'),
    laserOffsetsGhz: z
      .record(name, z.number().min(-1000).max(1000))
      .optional()
      .describe('by laser: how far from its own reading it emits'),
  })
  .optional()
  .describe('what is broken or plugged in wrong on the simulated bench')

export type WrittenDefects = z.output<typeof defects>

/** They stand among the parameters of the chip. */
export const defectsOf = (twin: unknown): WrittenDefects => (twin as { defects?: WrittenDefects } | undefined)?.defects

/** The section `twin` of a core with these parameters. */
function twinOf<More extends Readonly<Record<string, z.ZodType>>>(parameters: Parameters, more: More) {
  const keys = Object.entries(parameters).map(([key, { min, max, value, source }]) => [
    key,
    z.number().min(min).max(max).optional().describe(`default ${value}; ${source}`),
  ])
  const presets = Object.entries(PRESETS).map(([key, named]) => [
    key,
    z.enum(Object.keys(named)).optional().describe('stands for several parameters; what is written beside it wins'),
  ])
  const shape = Object.fromEntries([...keys, ...presets]) as Record<string, z.ZodOptional<z.ZodNumber | z.ZodString>>
  return z
    .strictObject({ ...shape, ...more })
    .optional()
    .describe('what is wrong with the simulated chip; without it, the defaults')
}

const kind = <Kind extends CoreKind>(of: Kind) =>
  z
    .literal(of, { error: `must be ${CORE_KINDS.map((one) => `"${one}"`).join(' or ')}` })
    .describe('which optics multiply')

/** What may stand under each key at the top of the file of a bench with a mesh core, except `instruments`. */
export const SECTIONS = {
  name: benchName,
  core: z
    .strictObject({
      kind: kind('mesh').describe('which optics multiply'),
      layout: z
        .enum(['clements', 'reck'])
        .describe('how the interferometers are placed: a rectangle of N columns, or a triangle of 2N − 3'),
      mzi: z
        .enum(['plain', 'three-splitter', 'crossing'])
        .default('plain')
        .describe('how an interferometer is drawn: two splitters, or a third splitter or a crossing before them'),
      form: z
        .enum(['svd', 'unitary'])
        .default('svd')
        .describe('U·Σ·V† for any matrix, or a single mesh for unitary ones'),
      size: z.int().min(2).max(256).describe('inputs, and outputs, of the core'),
    })
    .describe('the optics that multiply'),
  lanes: z.array(lane).min(1).max(16).describe('one entry a wavelength'),
  frame: COMMON.frame,
  drive: COMMON.drive,
  detection: z
    .strictObject({
      kind: z
        .enum(['balanced-homodyne', 'intensity'])
        .describe('how fields become currents: beside a local oscillator on pairs, or as powers on single photodiodes'),
      rangeDbm,
    })
    .describe('how light is read'),
  trigger: COMMON.trigger,
  heaters: z
    .strictObject({
      ...heaterBank,
      channels: z
        .strictObject({
          input: z.array(heaterList).describe('phase trimmers behind the modulators, one entry a lane'),
          first: meshHeaters.describe('mesh V†, which light meets first, or the only mesh of a unitary core'),
          sigma: meshHeaters.optional().describe('between the meshes; a unitary core has none'),
          second: meshHeaters.optional().describe('mesh U; a unitary core has none'),
          lo: z
            .array(heaterList)
            .optional()
            .describe('local-oscillator shifters, one entry a lane; intensity has none'),
        })
        .describe('which channel heats what'),
    })
    .describe('the phase shifters'),
  taps: z
    .strictObject({
      monitor: name.describe('the instrument that reads the taps'),
      firstInput: z.int().min(0).max(1000).describe('analog input of the tap of waveguide 0; the others follow'),
    })
    .optional()
    .describe(
      'monitor taps between the meshes; a core without them is calibrated without their check, and a unitary one never has any',
    ),
  ovens: COMMON.ovens,
  mains: COMMON.mains,
  safe: COMMON.safe,
  twin: twinOf(MESH_PARAMETERS, { defects }),
} as const

/** The same for a bench with an AWGR core. */
export const AWGR_SECTIONS = {
  name: benchName,
  core: z
    .strictObject({
      kind: kind('awgr'),
      form: z.enum(['per-port', 'shared']).describe('a bank of rings for each port, or one for all'),
      size: z.int().min(2).max(64).describe('inputs, outputs and wavelengths of the core'),
      channelSpacingGhz: z
        .literal([12.5, 25, 50, 100, 200])
        .describe('grid of the router’s channels; size × spacing is its free spectral range'),
    })
    .describe('the optics that multiply'),
  wavelengths: z.array(wavelength).min(2).max(64).describe('one entry a wavelength, frequencies ascending'),
  ports: z
    .strictObject({
      ...modulators,
      plus: connectors.describe('meter port at each output of the router behind the drop buses, like pm-0.1-8'),
      minus: connectors.describe('meter port at each output of the router behind the through buses, like pm-2.1-8'),
    })
    .describe('what carries data onto the light, and what reads the products'),
  frame: COMMON.frame,
  drive: COMMON.drive,
  detection: z
    .strictObject({ kind: z.literal('balanced-intensity').describe('how light becomes currents'), rangeDbm })
    .describe('how light is read'),
  trigger: COMMON.trigger,
  heaters: z
    .strictObject({
      ...heaterBank,
      channels: z
        .strictObject({
          rings: z.array(heaterList).describe('one entry a bank of rings, each in the order of the wavelengths'),
        })
        .describe('which channel heats what'),
    })
    .describe('the heaters of the rings'),
  ovens: COMMON.ovens,
  mains: COMMON.mains,
  safe: COMMON.safe,
  twin: twinOf(AWGR_PARAMETERS, {}),
} as const

type Read<Schemas extends Readonly<Record<string, z.ZodType>>> = {
  readonly [Key in keyof Schemas]: z.output<Schemas[Key]>
}
export type Sections = Read<typeof SECTIONS>
export type AwgrSections = Read<typeof AWGR_SECTIONS>
/** What the sections of either core have in common. */
export type CommonSections = Read<typeof COMMON> & { readonly detection: { readonly rangeDbm: number } }
/** Inputs and outputs as they are written: a lane of a mesh, the ports of an AWGR. */
export type WrittenPorts = Pick<Sections['lanes'][number], 'drive' | 'bias' | 'plus' | 'minus'>

/** Every key at the top of a bench file, in the order of the examples. */
const topLevelKeys = (sections: Readonly<Record<string, z.ZodType>>): readonly string[] => [
  'name',
  'core',
  'instruments',
  ...Object.keys(sections).slice(2),
]
export const TOP_LEVEL_KEYS: Readonly<Record<CoreKind, readonly string[]>> = {
  mesh: topLevelKeys(SECTIONS),
  awgr: topLevelKeys(AWGR_SECTIONS),
}

/** Sections that a file with several cores may have at its top, for all cores that have none of their own. */
export const SHARED_SECTIONS: readonly string[] = ['frame', 'drive', 'detection', 'safe']

/** JSON Schema of the bench file, as far as one can say it: wiring checks across sections live in code. */
export function benchJsonSchema(drivers: Readonly<Record<string, DriverEntry>>): Record<string, unknown> {
  const instruments = Object.entries(drivers).map(([key, entry]) => {
    const settings = z.toJSONSchema(entry.settings, { io: 'input', unrepresentable: 'any' })
    // The unit of a Modbus instrument stands in its resource.
    const { unit: _, ...properties } = settings.properties ?? {}
    const required = (settings.required ?? []).filter((setting) => setting !== 'unit')
    return {
      type: 'object',
      properties: { driver: { const: key }, resource: { type: 'string' }, ...properties },
      required: ['driver', 'resource', ...required],
      additionalProperties: false,
    }
  })
  const cores = [SECTIONS, AWGR_SECTIONS].map((sections) => {
    const {
      $schema: _,
      properties = {},
      required = [],
      ...rest
    } = z.toJSONSchema(z.strictObject(sections), {
      io: 'input',
    })
    return { ...rest, properties, required }
  })
  const instrumentList = { $ref: '#/$defs/instruments' }
  const wholes = cores.map(({ properties, required, ...rest }) => ({
    ...rest,
    properties: { ...properties, instruments: instrumentList },
    required: [...required, 'instruments'],
  }))
  const several = {
    type: 'object',
    properties: {
      name: cores[0]!.properties['name'],
      instruments: instrumentList,
      ...Object.fromEntries(SHARED_SECTIONS.map((key) => [key, { description: 'of all cores that have none' }])),
      cores: {
        description: 'several cores on one bench; a job is split over them',
        type: 'array',
        minItems: 1,
        items: {
          anyOf: cores.map(({ required, ...rest }) => ({
            ...rest,
            required: required.filter((key) => !SHARED_SECTIONS.includes(key)),
          })),
        },
      },
    },
    required: ['name', 'instruments', 'cores'],
    additionalProperties: false,
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Fringe bench file',
    description: 'Instruments and optics of one optical computing bench.',
    anyOf: [...wholes, several],
    $defs: {
      instruments: {
        description: 'every instrument by name',
        type: 'object',
        propertyNames: { pattern: NAME.source },
        additionalProperties: { anyOf: instruments },
      },
    },
  }
}
