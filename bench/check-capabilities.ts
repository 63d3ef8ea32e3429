import type {
  Instrument,
  Laser,
  MultichannelPowerMeter,
  PhaseShifterBank,
  SymbolGenerator,
  TemperatureController,
  VoltageMonitor,
} from '../core/instruments.ts'
import { svdCoreLayout } from '../core/mesh-layout.ts'
import type { HeaterRole } from '../core/mesh-layout.ts'
import type { Range } from '../core/range.ts'
import type { BenchFile } from './bench-file.ts'
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
  const report = (path: YamlPath, message: string): void => {
    // A range of connectors is one place in the file: say it once.
    const key = pathText(path)
    if (!problems.has(key)) problems.set(key, file.problemAt(path, message))
  }
  const at = (name: string): Instrument | undefined => instruments.get(name)
  const inRange = (path: YamlPath, name: string, value: number, range: Range | undefined, unit: string): void => {
    if (range === undefined || (value >= range.min && value <= range.max)) return
    report(path, `${name} takes ${range.min} to ${range.max} ${unit}, not ${value}`)
  }

  for (const [index, lane] of wiring.lanes.entries()) {
    const laser = at(lane.laser) as Laser | undefined
    inRange(['lanes', index, 'frequencyThz'], lane.laser, lane.frequencyThz, laser?.frequencyRangeThz, 'THz')
    inRange(['lanes', index, 'powerDbm'], lane.laser, lane.powerDbm, laser?.powerRangeDbm, 'dBm')
    for (const connector of [...lane.drive, ...lane.plus, ...lane.minus]) {
      const count = (at(connector.instrument) as SymbolGenerator | MultichannelPowerMeter | undefined)?.channelCount
      if (count === undefined || connector.index < count) continue
      report(connector.path, `${connector.instrument} has ${count} connectors, 1 to ${count}`)
    }
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

  let channelCount: number | undefined = 0
  for (const [index, { instrument, first, count }] of wiring.heaters.banks.entries()) {
    const bank = at(instrument) as PhaseShifterBank | undefined
    if (bank !== undefined && count !== undefined && first + count > bank.channelCount) {
      const last = `0 to ${bank.channelCount - 1}`
      report(['heaters', 'bank', index], `${instrument} has channels ${last}, not ${first} to ${first + count - 1}`)
    }
    const more: number | undefined = count ?? bank?.channelCount
    channelCount = channelCount === undefined || more === undefined ? undefined : channelCount + more
  }
  if (channelCount !== undefined) {
    const { heaters } = svdCoreLayout(wiring.size, wiring.lanes.length)
    const [only] = wiring.heaters.banks
    const who = wiring.heaters.banks.length === 1 ? only!.instrument : 'the row of banks'
    for (const [heater, channel] of wiring.heaters.channels.entries()) {
      if (channel < channelCount) continue
      const last = `0 to ${channelCount - 1}`
      report(
        ['heaters', 'channels', ...whereWritten(heaters[heater]!.role)],
        `${who} has channels ${last}, not ${channel}`,
      )
    }
  }
  const { taps } = wiring
  const monitor = taps && (at(taps.monitor) as VoltageMonitor | undefined)
  if (taps && monitor && taps.firstInput + wiring.size > monitor.channelCount) {
    const last = `0 to ${monitor.channelCount - 1}`
    report(['taps', 'firstInput'], `${taps.monitor} has inputs ${last}; ${wiring.size} taps do not fit from here`)
  }
  for (const [index, oven] of wiring.ovens.entries()) {
    const range = (at(oven.controller) as TemperatureController | undefined)?.temperatureRangeC
    inRange(['ovens', index, 'temperatureC'], oven.controller, oven.temperatureC, range, '°C')
  }
  return [...problems.values()]
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
