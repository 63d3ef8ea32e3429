import { meshCoreLayout } from '../core/mesh-layout.ts'
import type { MeshDesign } from '../core/mesh-design.ts'

/**
 * The text of a bench file around a mesh core of any size and design: one lane, instruments as many as it takes, heaters
 * in the order of the layout. `bias` stands for any modulator's controller; resources lead nowhere.
 */
export function meshBenchText(size: number, design: MeshDesign): string {
  const layout = meshCoreLayout(size, 1, design)
  const list = (count: number, item: (index: number) => string): string[] =>
    Array.from({ length: count }, (_, i) => item(i))
  const span = (channels: readonly number[]): string => `${channels[0]!}-${channels.at(-1)!}`
  const mesh = ({ phi, theta }: typeof layout.first): unknown => ({ phi: span(phi), theta: span(theta) })
  const connectors = (name: string, each: number, first: number, step: number): string[] =>
    list(size, (port) => {
      const at = first + step * port
      return `${name}-${Math.floor(at / each)}.${(at % each) + 1}`
    })
  const generators = list(Math.ceil(size / 4), (i) => `awg-${i}`)
  const sides = design.detection === 'intensity' ? 1 : 2
  const meters = list(Math.ceil((sides * size) / 8), (i) => `pm-${i}`)
  const channelsPerChain = 8 * 64
  const chains = list(Math.ceil(layout.heaters.length / channelsPerChain), (i) => `chain-${i}`)
  const serial = (name: string): string => `ASRL/dev/any/${name}::INSTR`
  const instruments = Object.fromEntries<unknown>([
    ['laser', { driver: 'oif-itla', resource: serial('laser') }],
    ...generators.map(
      (name, i) => [name, { driver: 'keysight-m8195a', resource: `TCPIP::10.0.1.${i}::5025::SOCKET` }] as const,
    ),
    ...list(size, (port) => `mbx-${port}`).map(
      (name) => [name, { driver: 'thorlabs-mbx', resource: serial(name) }] as const,
    ),
    ...meters.map(
      (name, i) => [name, { driver: 'keysight-n7745', resource: `TCPIP::10.0.2.${i}::5025::SOCKET` }] as const,
    ),
    ...chains.map((name) => [name, { driver: 'qontrol-q8', resource: serial(name), modules: 64, limitV: 12 }] as const),
    ['oven', { driver: 'omron-e5cc', resource: 'MODBUS::/dev/any/oven::9600-8E1::1' }],
    ['wall', { driver: 'eastron-sdm120', resource: 'MODBUS::/dev/any/wall::9600-8N1::1' }],
  ])
  // JSON is YAML.
  return JSON.stringify(
    {
      name: `any-${size}`,
      core: { kind: 'mesh', layout: design.arrangement, mzi: design.mzi, form: design.form, size },
      instruments,
      lanes: [
        {
          laser: 'laser',
          frequencyThz: 193.1,
          powerDbm: 8,
          drive: connectors('awg', 4, 0, 1),
          bias: list(size, (port) => `mbx-${port}`),
          plus: connectors('pm', 8, 0, sides),
          ...(sides === 2 ? { minus: connectors('pm', 8, 1, 2) } : {}),
        },
      ],
      frame: { symbolPeriodUs: 40, pointsPerSymbol: 4, maxSymbols: 512 },
      drive: { amplitudeV: 0.5 },
      detection: { kind: design.detection ?? 'balanced-homodyne', rangeDbm: 0 },
      trigger: { source: 'awg-0', targets: [...generators.slice(1), ...meters] },
      heaters: {
        bank: chains.length === 1 ? 'chain-0' : chains.map((name) => `${name}.0-${channelsPerChain - 1}`),
        limitV: 9.5,
        settleMs: 2,
        channels: {
          input: [span(layout.input[0]!)],
          first: mesh(layout.first),
          ...(design.form === 'svd' ? { sigma: mesh(layout.sigma), second: mesh(layout.second) } : {}),
          ...(sides === 2 ? { lo: [span(layout.lo[0]!)] } : {}),
        },
      },
      ovens: [{ name: 'chip', controller: 'oven', temperatureC: 30 }],
      mains: 'wall',
      safe: { lasers: 'dark', bias: 'parked', generators: 'off', heatersV: 0, ovens: 'stopped', deadlineS: 15 },
    },
    null,
    1,
  )
}

/** All that a bench file may say of how its mesh is drawn and read. */
export const ALL_DESIGNS: readonly MeshDesign[] = (['clements', 'reck'] as const).flatMap((arrangement) =>
  (['plain', 'three-splitter', 'crossing'] as const).flatMap((mzi) =>
    (['svd', 'unitary'] as const).flatMap((form): MeshDesign[] => [
      { arrangement, mzi, form },
      { arrangement, mzi, form, detection: 'intensity' },
    ]),
  ),
)
