import type { Clock } from '../core/clock.ts'
import type {
  BiasController,
  EnergyMeter,
  Instrument,
  Laser,
  MultichannelPowerMeter,
  PhaseShifterBank,
  SymbolGenerator,
  TemperatureController,
  VoltageMonitor,
} from '../core/instruments.ts'
import type { AwgrBench } from '../core/awgr-bench.ts'
import { awgrLayout } from '../core/awgr-layout.ts'
import type { Bench } from '../core/bench.ts'
import type { DataLane, LightBench } from '../core/light-bench.ts'
import type { MeshBench } from '../core/mesh-bench.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import { powerDbm } from '../core/quantities.ts'
import { intersect } from '../core/range.ts'
import type { AwgrWiring } from './awgr-wiring.ts'
import { bankRow } from './bank-row.ts'
import { benchFileInvalid, requireKind } from './bench-file.ts'
import type { BenchFile } from './bench-file.ts'
import { capabilityProblems } from './check-capabilities.ts'
import type { Connector } from './connector.ts'
import type { LaserWiring, LightWiring, PortWiring } from './light-wiring.ts'
import type { MeshWiring } from './mesh-wiring.ts'
import { openInstruments } from './open-instruments.ts'
import type { OpenOptions } from './open-instruments.ts'
import { closeAll, makeAllSafe, safeStateError } from './safe-order.ts'
import type { OpenInstrument, SafeReport } from './safe-order.ts'

/** A bench whose instruments all answered by the right names. */
export interface OpenBench<Opened extends Bench = Bench> extends AsyncDisposable {
  readonly bench: Opened
  readonly instruments: ReadonlyMap<string, Instrument>
  /** Dark, parked, cold, in this order; what failed is in the report. Idempotent. */
  makeSafe(signal: AbortSignal): Promise<SafeReport>
  /** Makes safe and lets go of every wire. Disposing does the same and throws SAFE_STATE_UNVERIFIED from the report. */
  close(): Promise<SafeReport>
}

/** The bench that a file describes, by its core. */
export type BenchOf<File extends BenchFile> = Extract<Bench, { kind: File['kind'] }>

/** As `openBench`; throws CALL_INVALID, before anything is opened, when the core is no mesh. */
export async function openMeshBench(file: BenchFile, options: OpenOptions): Promise<OpenBench<MeshBench>> {
  return openBench(requireKind(file, 'mesh'), options)
}

/**
 * Opens every instrument of a bench file.
 *
 * Throws: an AggregateError with one BenchError for each instrument that did not open, and one for each that could
 * not be made safe again; BENCH_FILE_INVALID when the file asks for more than the instruments have.
 * Leaves: on any failure, what had been opened is safe and closed.
 */
export async function openBench<File extends BenchFile>(
  file: File,
  options: OpenOptions,
): Promise<OpenBench<BenchOf<File>>> {
  const outcomes = await openInstruments(file.instruments.values(), options)
  const open: OpenInstrument[] = []
  const failures: Error[] = []
  for (const [name, outcome] of outcomes) {
    if (outcome.outcome === 'failed') failures.push(outcome.error)
    else open.push({ line: file.instruments.get(name)!, instrument: outcome.instrument })
  }
  const { safeDeadlineMs } = file.wiring
  let closing: Promise<SafeReport> | undefined
  const close = (): Promise<SafeReport> => (closing ??= closeAll(open, safeDeadlineMs))

  if (failures.length > 0) {
    const unsafe = safeStateError(await close())
    throw openFailed(unsafe === undefined ? failures : [...failures, unsafe])
  }
  const instruments = new Map(open.map(({ line, instrument }) => [line.name, instrument]))
  const problems = capabilityProblems(file, instruments)
  if (problems.length > 0) {
    const unsafe = safeStateError(await close())
    const invalid = benchFileInvalid(file.path, problems)
    throw unsafe === undefined ? invalid : openFailed([invalid, unsafe])
  }
  return {
    bench: benchOf(file, instruments, options.clock) as BenchOf<File>,
    instruments,
    makeSafe: (signal) => makeAllSafe(open, safeDeadlineMs, signal),
    close,
    [Symbol.asyncDispose]: async () => {
      const unsafe = safeStateError(await close())
      if (unsafe !== undefined) throw unsafe
    },
  }
}

function openFailed(failures: readonly Error[]): AggregateError {
  return new AggregateError(failures, `the bench did not open:\n${failures.map(({ message }) => message).join('\n')}`)
}

/** The wiring of the file, with the instruments in the places of their names. Kinds were checked with the file. */
function benchOf(file: BenchFile, instruments: ReadonlyMap<string, Instrument>, clock: Clock): Bench {
  const at = (name: string): Instrument | undefined => instruments.get(name)
  return file.kind === 'mesh' ? meshBench(file.wiring, at, clock) : awgrBench(file.wiring, at, clock)
}

type At = (name: string) => Instrument | undefined

function meshBench(wiring: MeshWiring, at: At, clock: Clock): MeshBench {
  const { size, lanes, design, taps } = wiring
  return {
    kind: 'mesh',
    layout: meshCoreLayout(size, lanes.length, design),
    ...lightBench(wiring, { lasers: lanes, lanes }, at, clock),
    ...(taps && { taps: { monitor: at(taps.monitor) as VoltageMonitor, firstChannel: taps.firstInput } }),
  }
}

function awgrBench(wiring: AwgrWiring, at: At, clock: Clock): AwgrBench {
  const { size, form, wavelengths, ports } = wiring
  return {
    kind: 'awgr',
    layout: awgrLayout(size, form),
    ...lightBench(wiring, { lasers: wavelengths, lanes: [ports] }, at, clock),
  }
}

function lightBench(
  wiring: LightWiring,
  { lasers, lanes }: { readonly lasers: readonly LaserWiring[]; readonly lanes: readonly PortWiring[] },
  at: At,
  clock: Clock,
): LightBench {
  const drive = ({ instrument, index }: Connector) => ({
    generator: wiring.generators.indexOf(instrument),
    channel: index,
  })
  const port = ({ instrument, index }: Connector) => ({ meter: wiring.meters.indexOf(instrument), port: index })
  const lane = ({ drive: drives, bias, plus, minus }: PortWiring): DataLane => ({
    modulators: drives.map((connector, input) => ({
      drive: drive(connector),
      bias: at(bias[input]!) as BiasController,
    })),
    detectors: plus.map((side, output) => ({ plus: port(side), ...(minus[output] && { minus: port(minus[output]) }) })),
  })
  const heaters = bankRow(wiring.heaters.banks, (name) => at(name) as PhaseShifterBank)
  return {
    lasers: lasers.map(({ laser, frequencyThz, powerDbm: dbm }) => ({
      name: laser,
      laser: at(laser) as Laser,
      frequencyThz,
      laserPower: powerDbm(dbm),
    })),
    lanes: lanes.map(lane),
    generators: wiring.generators.map((name) => at(name) as SymbolGenerator),
    triggerGenerator: wiring.generators.indexOf(wiring.trigger.source),
    driveAmplitudeV: wiring.driveAmplitudeV,
    meters: wiring.meters.map((name) => at(name) as MultichannelPowerMeter),
    meterNames: wiring.meters,
    meterRangeDbm: wiring.meterRangeDbm,
    heaters,
    heaterChannels: wiring.heaters.channels,
    heaterLimitsV: intersect({ min: 0, max: wiring.heaters.limitV }, heaters.voltageRangeV),
    heaterSettleMs: wiring.heaters.settleMs,
    ovens: wiring.ovens.map(({ name, controller, temperatureC }) => ({
      name,
      controller: at(controller) as TemperatureController,
      temperatureC,
    })),
    mains: at(wiring.mains) as EnergyMeter,
    timing: {
      symbolPeriodS: wiring.frame.symbolPeriodS,
      pointsPerSymbol: wiring.frame.pointsPerSymbol,
      maxSymbolsPerFrame: wiring.frame.maxSymbols,
    },
    clock,
  }
}
