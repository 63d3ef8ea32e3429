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
import type { MeshBench } from '../core/mesh-bench.ts'
import { svdCoreLayout } from '../core/mesh-layout.ts'
import { powerDbm } from '../core/quantities.ts'
import { intersect } from '../core/range.ts'
import { bankRow } from './bank-row.ts'
import { benchFileInvalid } from './bench-file.ts'
import type { BenchFile } from './bench-file.ts'
import { capabilityProblems } from './check-capabilities.ts'
import type { Connector } from './mesh-wiring.ts'
import { openInstruments } from './open-instruments.ts'
import type { OpenOptions } from './open-instruments.ts'
import { closeAll, makeAllSafe, safeStateError } from './safe-order.ts'
import type { OpenInstrument, SafeReport } from './safe-order.ts'

/** A bench whose instruments all answered by the right names. */
export interface OpenBench extends AsyncDisposable {
  readonly bench: MeshBench
  readonly instruments: ReadonlyMap<string, Instrument>
  /** Dark, parked, cold, in this order; what failed is in the report. Idempotent. */
  makeSafe(signal: AbortSignal): Promise<SafeReport>
  /** Makes safe and lets go of every wire. Disposing does the same and throws SAFE_STATE_UNVERIFIED from the report. */
  close(): Promise<SafeReport>
}

/**
 * Opens every instrument of a bench file.
 *
 * Throws: an AggregateError with one BenchError for each instrument that did not open, and one for each that could
 * not be made safe again; BENCH_FILE_INVALID when the file asks for more than the instruments have.
 * Leaves: on any failure, what had been opened is safe and closed.
 */
export async function openMeshBench(file: BenchFile, options: OpenOptions): Promise<OpenBench> {
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
    bench: meshBench(file, instruments, options.clock),
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
function meshBench(file: BenchFile, instruments: ReadonlyMap<string, Instrument>, clock: Clock): MeshBench {
  const { wiring } = file
  const at = (name: string): Instrument | undefined => instruments.get(name)
  const drive = ({ instrument, index }: Connector) => ({
    generator: wiring.generators.indexOf(instrument),
    channel: index,
  })
  const port = ({ instrument, index }: Connector) => ({ meter: wiring.meters.indexOf(instrument), port: index })
  const heaters = bankRow(wiring.heaters.banks, (name) => at(name) as PhaseShifterBank)
  return {
    layout: svdCoreLayout(wiring.size, wiring.lanes.length),
    lanes: wiring.lanes.map((lane) => ({
      laser: at(lane.laser) as Laser,
      frequencyThz: lane.frequencyThz,
      laserPower: powerDbm(lane.powerDbm),
      modulators: lane.drive.map((connector, input) => ({
        drive: drive(connector),
        bias: at(lane.bias[input]!) as BiasController,
      })),
      detectors: lane.plus.map((plus, output) => ({ plus: port(plus), minus: port(lane.minus[output]!) })),
    })),
    generators: wiring.generators.map((name) => at(name) as SymbolGenerator),
    triggerGenerator: wiring.generators.indexOf(wiring.trigger.source),
    driveAmplitudeV: wiring.driveAmplitudeV,
    meters: wiring.meters.map((name) => at(name) as MultichannelPowerMeter),
    meterRangeDbm: wiring.meterRangeDbm,
    heaters,
    heaterChannels: wiring.heaters.channels,
    heaterLimitsV: intersect({ min: 0, max: wiring.heaters.limitV }, heaters.voltageRangeV),
    heaterSettleMs: wiring.heaters.settleMs,
    ...(wiring.taps && {
      taps: { monitor: at(wiring.taps.monitor) as VoltageMonitor, firstChannel: wiring.taps.firstInput },
    }),
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
