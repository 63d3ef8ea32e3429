import type { MeshBenchFile } from '../bench/bench-file.ts'
import type { MeshCalibration } from '../calibration/calibration-record.ts'
import { deviationAt, SURE_SIGMAS } from '../calibration/steps/detectors.ts'
import type { FoundDetector } from '../calibration/steps/detectors.ts'
import type { LaneIsolation } from '../calibration/steps/isolation.ts'
import type { LaneDelays } from '../calibration/steps/lane-delay.ts'
import { plain, table } from './markdown.ts'
import type { StepFindings } from './step-findings.ts'

/** One chapter of a report, in Markdown. */
export interface ReportSection {
  readonly title: string
  readonly lines: readonly string[]
}

/** Steps whose findings are told. */
export const LIGHT_STEPS = ['lasers', 'detectors', 'isolation', 'lane delay'] as const

/** How lanes lie apart; nothing of what a run has not kept. */
export function laneSections(findings: StepFindings): readonly ReportSection[] {
  const delays = findings.of('lane delay') as LaneDelays | undefined
  const isolation = findings.of('isolation') as LaneIsolation | undefined
  const lasersGhz = findings.of('lasers') as Float64Array | undefined
  return delays === undefined ? [] : [{ title: 'Lanes', lines: laneLines(delays, isolation, lasersGhz) }]
}

/** What is known of each detector; nothing of what a run has not kept. */
export function detectorSections(
  findings: StepFindings,
  { detectors: { brightest } }: MeshCalibration,
  { wiring }: MeshBenchFile,
): readonly ReportSection[] {
  const detectors = findings.of('detectors') as readonly FoundDetector[] | undefined
  return detectors === undefined ? [] : [{ title: 'Detectors', lines: detectorLines(detectors, brightest, wiring) }]
}

function detectorLines(
  detectors: readonly FoundDetector[],
  brightest: MeshCalibration['detectors']['brightest'],
  { lanes, meterRangeDbm }: MeshBenchFile['wiring'],
): string[] {
  const rows = detectors.map((detector) => {
    const { lane, port, side, level, seenMw, linearity } = detector
    const { instrument, index } = lanes[lane]![side][port]!
    const mostMw = (side === 'plus' ? brightest?.plusMw : brightest?.minusMw)?.[lane]?.[port] ?? seenMw.max
    const headroomDb = meterRangeDbm - 10 * Math.log10(mostMw)
    return [
      ...[String(lane), String(port), side, plain(`${instrument}.${index + 1}`), level.toFixed(3)],
      ...(linearity === undefined
        ? ['', '', '']
        : [
            `${signed(100 * deviationAt(detector, mostMw), 2)} ± ${(100 * linearity.sigmaPerMw * mostMw).toFixed(2)}`,
            onePercentMw(linearity),
            (1e3 * linearity.floorMw).toFixed(2),
          ]),
      ...[mostMw.toFixed(3), signed(headroomDb, 1)],
    ]
  })
  const titles = ['lane', 'output', 'side', 'port', 'level', 'short there, %', '1 % short at, mW', 'floor, µW']
  const right = ['level', 'short there, %', '1 % short at, mW', 'floor, µW', 'brightest, mW', 'below the range, dB']
  return [
    'Level: what a detector shows of equal settings beside the middle one of its lane, its path included. Brightest: the most that the verification put on it; how much too little it shows there, one standard deviation beside it, and how far that lies below the fixed range of its meter. Floor: RMS by which a reading is uncertain.',
    ...table([...titles, 'brightest, mW', 'below the range, dB'], rows, right),
  ]
}

/** Where it falls short by 1 %, or above what it surely does not where that is all that is known. */
function onePercentMw({ perMw, sigmaPerMw }: NonNullable<FoundDetector['linearity']>): string {
  const unsure = SURE_SIGMAS * sigmaPerMw
  return perMw > unsure ? (0.01 / perMw).toPrecision(2) : `> ${(0.01 / (Math.max(0, perMw) + unsure)).toPrecision(2)}`
}

function laneLines(
  { symbols, neighbourShare, resolutionSymbols }: LaneDelays,
  isolation: LaneIsolation | undefined,
  lasersGhz: Float64Array | undefined,
): string[] {
  const others = isolation === undefined ? [] : isolation.leaks.map((_, lane) => `at lane ${lane}, dB`)
  const lasers = lasersGhz === undefined ? [] : ['laser beside its channel, GHz']
  const rows = Array.from(symbols, (delay, lane) => [
    String(lane),
    ...lasers.map(() => known(lasersGhz![lane], 1)),
    known(delay, 2),
    known(100 * neighbourShare[lane]!, 2),
    ...others.map((_, seen) => (seen === lane ? '' : leakText(isolation!, lane, seen))),
  ])
  const titles = ['lane', ...lasers, 'late, symbols', 'of other symbols, %', ...others]
  return [
    `Late: how much later than its symbols a lane's light reaches the meters, known to a meter point, ${resolutionSymbols} of a symbol. Of other symbols: what a reading holds of the symbols beside its own.${others.length === 0 ? '' : ' At other lanes: its light at their detectors beside its own, balanced pairs not yet subtracted.'}`,
    ...table(titles, rows, titles.slice(1)),
  ]
}

/** Below what meters can see, the bound. */
function leakText({ leaks, floors }: LaneIsolation, lit: number, seen: number): string {
  const [leak, floor] = [leaks[lit]![seen]!, floors[lit]![seen]!]
  if (!(leak <= floor)) return signed(10 * Math.log10(leak), 1)
  return `< ${signed(10 * Math.log10(floor), 1)}`
}

/** Nothing where nothing was seen. */
const known = (value: number | undefined, digits: number): string =>
  value === undefined || Number.isNaN(value) ? '' : signed(value, digits)

/** With a real minus, and no minus before a zero. */
const signed = (value: number, digits: number): string =>
  (Number(value.toFixed(digits)) + 0).toFixed(digits).replace('-', '−')
