import type {
  Instrument,
  Laser,
  MultichannelPowerMeter,
  PhaseShifterBank,
  SymbolGenerator,
  TemperatureController,
  VoltageMonitor,
} from '../core/instruments.ts'
import { awgrLayout } from '../core/awgr-layout.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import type { HeaterRole } from '../core/mesh-layout.ts'
import type { Range } from '../core/range.ts'
import type { AwgrWiring } from './awgr-wiring.ts'
import type { BenchFile } from './bench-file.ts'
import type { ReportProblem } from './claims.ts'
import type { LaserWiring, PortWiring } from './light-wiring.ts'
import type { MeshWiring } from './mesh-wiring.ts'
import { pathText } from './yaml-source.ts'
import type { Problem, YamlPath } from './yaml-source.ts'

/**
 * What the bench file asks for and the open instruments do not have: connectors, memory, ranges.
 *
 * Looks at what each instrument said of itself when it was opened; sends nothing.
 * Instruments that are not open are passed over.
 */
export function capabilityProblems(file: BenchFile, instruments: ReadonlyMap<string, Instrument>): readonly Problem[] {
  const { wiring } = file
  const problems = new Map<string, Problem>()
  const report: ReportProblem = (path, message) => {
    // A range of connectors is one place in the file: say it once.
    const key = pathText(path)
    if (!problems.has(key)) problems.set(key, file.problemAt(path, message))
  }
  const at = (name: string): Instrument | undefined => instruments.get(name)
  const inRange = (path: YamlPath, name: string, value: number, range: Range | undefined, unit: string): void => {
    if (range === undefined || (value >= range.min && value <= range.max)) return
    report(path, `${name} takes ${range.min} to ${range.max} ${unit}, not ${value}`)
  }

  const { lasers, ports, heaterPath } = file.kind === 'mesh' ? ofMesh(file.wiring) : ofAwgr(file.wiring)
  for (const { path, laser: name, frequencyThz, powerDbm } of lasers) {
    const laser = at(name) as Laser | undefined
    inRange([...path, 'frequencyThz'], name, frequencyThz, laser?.frequencyRangeThz, 'THz')
    inRange([...path, 'powerDbm'], name, powerDbm, laser?.powerRangeDbm, 'dBm')
  }
  for (const connector of ports.flatMap(({ drive, plus, minus }) => [...drive, ...plus, ...minus])) {
    const count = (at(connector.instrument) as SymbolGenerator | MultichannelPowerMeter | undefined)?.channelCount
    if (count === undefined || connector.index < count) continue
    report(connector.path, `${connector.instrument} has ${count} connectors, 1 to ${count}`)
  }

  const { maxSymbols, pointsPerSymbol } = wiring.frame
  for (const name of wiring.generators) {
    const most = (at(name) as SymbolGenerator | undefined)?.maxSymbolsPerFrame ?? Number.POSITIVE_INFINITY
    if (maxSymbols > most) report(['frame', 'maxSymbols'], `${name} holds ${most} symbols, not ${maxSymbols}`)
  }
  for (const name of wiring.meters) {
    const most = (at(name) as MultichannelPowerMeter | undefined)?.maxLogPoints ?? Number.POSITIVE_INFINITY
    if (maxSymbols * pointsPerSymbol <= most) continue
    const right = `at most ${Math.floor(most / pointsPerSymbol)} symbols`
    report(['frame', 'maxSymbols'], `${name} logs ${most} points: ${right} of ${pointsPerSymbol} points`)
  }

  const { banks, channels } = wiring.heaters
  let channelCount: number | undefined = 0
  for (const [index, { instrument, first, count }] of banks.entries()) {
    const bank = at(instrument) as PhaseShifterBank | undefined
    if (bank !== undefined && count !== undefined && first + count > bank.channelCount) {
      const last = `0 to ${bank.channelCount - 1}`
      report(['heaters', 'bank', index], `${instrument} has channels ${last}, not ${first} to ${first + count - 1}`)
    }
    const more: number | undefined = count ?? bank?.channelCount
    channelCount = channelCount === undefined || more === undefined ? undefined : channelCount + more
  }
  const who = banks.length === 1 ? banks[0]!.instrument : 'the row of banks'
  for (const [heater, channel] of channels.entries()) {
    if (channelCount === undefined || channel < channelCount) continue
    const last = `0 to ${channelCount - 1}`
    report(['heaters', 'channels', ...heaterPath(heater)], `${who} has channels ${last}, not ${channel}`)
  }
  if (file.kind === 'mesh' && file.wiring.taps !== undefined) {
    const { size, taps } = file.wiring
    checkTaps(size, taps, at(taps.monitor) as VoltageMonitor | undefined, report)
  }
  for (const [index, oven] of wiring.ovens.entries()) {
    const range = (at(oven.controller) as TemperatureController | undefined)?.temperatureRangeC
    inRange(['ovens', index, 'temperatureC'], oven.controller, oven.temperatureC, range, '°C')
  }
  return [...problems.values()]
}

/** Where in the file what stands that the instruments are asked about. */
interface Written {
  readonly lasers: readonly (LaserWiring & { readonly path: YamlPath })[]
  readonly ports: readonly PortWiring[]
  /** Under `heaters.channels`. */
  readonly heaterPath: (heater: number) => YamlPath
}

function ofMesh({ size, lanes, design }: MeshWiring): Written {
  const { heaters } = meshCoreLayout(size, lanes.length, design)
  return {
    lasers: lanes.map((lane, index) => ({ ...lane, path: ['lanes', index] })),
    ports: lanes,
    heaterPath: (heater) => whereWritten(heaters[heater]!.role),
  }
}

function ofAwgr({ size, form, wavelengths, ports }: AwgrWiring): Written {
  const { heaters } = awgrLayout(size, form)
  return {
    lasers: wavelengths.map((wavelength, index) => ({ ...wavelength, path: ['wavelengths', index] })),
    ports: [ports],
    heaterPath: (heater) => ['rings', heaters[heater]!.port ?? 0],
  }
}

function checkTaps(
  size: number,
  taps: NonNullable<MeshWiring['taps']>,
  monitor: VoltageMonitor | undefined,
  report: ReportProblem,
): void {
  if (monitor === undefined || taps.firstInput + size <= monitor.channelCount) return
  const last = `0 to ${monitor.channelCount - 1}`
  report(['taps', 'firstInput'], `${taps.monitor} has inputs ${last}; ${size} taps do not fit from here`)
}

/** Under which key of `heaters.channels` the channel of a heater stands. */
function whereWritten(role: HeaterRole): YamlPath {
  switch (role.kind) {
    case 'input':
    case 'lo':
      return [role.kind, role.lane]
    case 'phi':
    case 'theta':
      return [role.mesh, role.kind]
    case 'sigma-phi':
      return ['sigma', 'phi']
    case 'sigma-theta':
      return ['sigma', 'theta']
  }
}
