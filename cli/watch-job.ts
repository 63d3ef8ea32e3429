import type { MeshCalibration, Verification } from '../calibration/calibration-record.ts'
import type { Followed } from '../calibration/drift-watch.ts'
import { watchPlan } from '../calibration/watch-plan.ts'
import type { WatchResult } from '../calibration/watch-plan.ts'
import type { Bench } from '../core/bench.ts'
import { BenchError } from '../core/errors.ts'
import { withEnergy } from '../orchestrator/ledger/accounted-plan.ts'
import type { Accounted } from '../orchestrator/ledger/accounted-plan.ts'
import type { RunEnergy } from '../orchestrator/ledger/energy.ts'
import type { Plan } from '../orchestrator/plans/plan.ts'
import { calibrationKey } from './calibrate-job.ts'
import type { BenchChoice, StoredCalibration } from './calibrate-job.ts'
import type { CommandContext } from './command-context.ts'
import type { Calibration } from './core-kind.ts'
import { chipOf } from './far-side.ts'
import { recordSha256 } from './matmul-job.ts'
import { measured } from './numbers.ts'
import { runJob } from './run-job.ts'

/** What a run's header says of a watch, for a replay. */
export interface WatchArguments {
  readonly command: 'watch'
  readonly everyS: number
  readonly forS: number
  readonly calibrationSha256: string
}

/** What `fringe calibrate --watch --json` says. Documented by docs/schemas/watch.schema.json. */
export interface WatchDocument {
  readonly run: string
  /** The newest one, as the last look left it. */
  readonly calibration: string
  readonly looks: readonly Followed[]
  readonly vectors: number
  readonly seconds: number
  readonly verification: Verification
  /** Of the whole run, by what its time was for. */
  readonly energy: RunEnergy
}

/** Keeps a calibration true for some time, as a run of its own; each look leaves a calibration for the jobs that come. */
export async function watchJob(
  { output, signal }: CommandContext,
  { file, twin, journal }: BenchChoice,
  { id, calibration }: StoredCalibration,
  { everyS, forS }: { readonly everyS: number; readonly forS: number },
): Promise<WatchDocument> {
  const asked: WatchArguments = { command: 'watch', everyS, forS, calibrationSha256: recordSha256(calibration) }
  output.progress.begin('watching')
  let newest = id
  const { run, result, seconds } = await runJob<WatchResult & Accounted>({
    ...{ kind: 'watch', file, twin, journal, signal },
    calibrations: [id],
    arguments: { ...asked },
    inputs: [],
    plan: (bench, run) => {
      const onLook = async (record: MeshCalibration, look: Followed): Promise<void> => {
        newest = await run.calibration({ benchHash: calibrationKey(file, twin), chip: chipOf(twin), record })
        const [before, left] = [look.before, look.heldOut].map((share) => measured(100 * share, 2))
        const place = file.core === undefined ? '' : `core ${file.core}, `
        output.note(`${place}look ${look.round}: the chip had moved by ${before} %, ${left} % are left: ${newest}`)
      }
      return withEnergy(bench, run, watchPlanOf(bench, calibration, { everyS, forS }, onLook))
    },
    keep: ({ looks, verification, vectors, energy }) => Promise.resolve({ looks, verification, vectors, energy }),
    onEvent: (event) => output.progress.onEvent(event),
  })
  const { looks, verification, vectors, energy } = result
  return { run, calibration: newest, looks, vectors, seconds, verification, energy }
}

/** The plan of a watch, live and in a replay. Throws: CALL_INVALID for a core that cannot be followed. */
export function watchPlanOf(
  bench: Bench,
  calibration: Calibration,
  times: { readonly everyS: number; readonly forS: number },
  onLook: Parameters<typeof watchPlan>[2]['onLook'],
): Plan<WatchResult> {
  if (bench.kind === 'mesh' && calibration.schema === 'fringe-mesh-calibration-1') {
    return watchPlan(bench, calibration, { ...times, onLook })
  }
  throw new BenchError(
    'CALL_INVALID',
    '--watch follows mesh cores read by balanced homodyne: calibrate another core again instead',
  )
}
