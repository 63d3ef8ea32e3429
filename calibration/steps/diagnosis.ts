import { BenchError } from '../../core/errors.ts'
import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { isDead } from '../model/heater-signature.ts'
import type { HeaterSignature } from '../model/heater-signature.ts'
import { alikeHeaters } from '../model/alike-heaters.ts'
import { exchangedWithTheta } from '../model/swapped-attenuator.ts'
import { swappedCoreHeaters, swappedPortHeaters } from '../model/swapped-heaters.ts'
import type { Pair } from '../model/swapped-heaters.ts'
import { settingsOf } from '../plan-step.ts'
import { coldHeaters } from './calibration-context.ts'
import type { CalibrationContext } from './calibration-context.ts'
import type { ChipProbe } from './chip-readings.ts'
import { heaterSignatures } from './heater-signatures.ts'
import { deadHeater } from './sweep-fringe.ts'
import { swappedHeaters } from './swapped-error.ts'

/** Beyond this many heaters moving each by itself takes longer than the calibration. */
const MOST_HEATERS = 1000

/** Runs a step; where it fails, heaters are moved one by one, and what is found about them is the error. */
export async function withDiagnosis<T>(
  context: CalibrationContext,
  probe: ChipProbe,
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof BenchError) || error.code !== 'CALIBRATION_FAILED') throw error
    throw (await diagnoseHeaters(context, probe, error, signal)) ?? error
  }
}

/**
 * Moves heaters one by one and compares what light each turns with where it stands on the floor plan.
 *
 * Outcomes: CALIBRATION_FAILED naming two heaters whose cables are exchanged, or one that is dead; undefined when
 * heaters are not what is wrong.
 * Leaves: the last heater warm.
 */
export async function diagnoseHeaters(
  context: CalibrationContext,
  probe: ChipProbe,
  cause: BenchError,
  signal: AbortSignal,
): Promise<BenchError | undefined> {
  const { layout } = context.bench
  const suspect = cause.context['heater']
  if (typeof suspect === 'number') {
    const dead = (await look(context, probe, [suspect], [suspect], signal)).dead[0]
    if (dead !== undefined) return dead
  }
  if (layout.heaters.length > MOST_HEATERS) return undefined
  const looked = await look(context, probe, [...layout.heaters.keys()], layout.sigma.phi, signal)
  const { cold } = looked
  const pair =
    swappedPortHeaters(layout, cold) ?? swappedCoreHeaters(layout, [cold]) ?? swappedInWaveguide(layout, looked)
  if (pair !== undefined) return swappedHeaters(context, pair, cause)
  if (looked.dead[0] !== undefined) return looked.dead[0]
  const warm = await heaterSignatures(context, probe, restingV(context, probe), [...layout.heaters.keys()], signal)
  const told = swappedCoreHeaters(layout, [cold, warm])
  return told && swappedHeaters(context, told, cause)
}

/** Every heater somewhere in its first half turn, from where it can be moved on. */
function restingV({ bench }: CalibrationContext, probe: ChipProbe): Float64Array {
  const random = settingsOf('diagnosis')
  return coldHeaters(bench).map(() => Math.sqrt(random.uniform(0, Math.PI) / probe.nominalRadPerV2))
}

type Signatures = ReadonlyMap<number, HeaterSignature>

interface Looked {
  /** With all other heaters cold. */
  readonly cold: Signatures
  /** With the attenuators half a turn on. */
  readonly turned: Signatures
  /** One error for each that moves no light either way. */
  readonly dead: readonly BenchError[]
}

/** Moves `heaters`, then `again` with the attenuators half a turn on: a shut one hides the φ before it. */
async function look(
  context: CalibrationContext,
  probe: ChipProbe,
  heaters: readonly number[],
  again: readonly number[],
  signal: AbortSignal,
): Promise<Looked> {
  const { layout, heaterLimitsV } = context.bench
  const coldV = coldHeaters(context.bench)
  const cold = await heaterSignatures(context, probe, coldV, heaters, signal)
  const turnedV = coldV.slice()
  for (const theta of layout.sigma.theta) {
    const radPerV2 = cold.get(theta)?.radPerV2 ?? probe.nominalRadPerV2
    turnedV[theta] = Math.min(heaterLimitsV.max, Math.sqrt(Math.PI / radPerV2))
  }
  const turned = await heaterSignatures(context, probe, turnedV, again, signal)
  const dead = [...cold].flatMap(([heater, signature]) => {
    const seen = [signature, turned.get(heater) ?? signature]
    const swing = Math.max(...seen.flatMap((one) => one.swing))
    return seen.every(isDead) ? [deadHeater(context, heater, { swing })] : []
  })
  return { cold, turned, dead }
}

function swappedInWaveguide(layout: SvdCoreLayout, { cold, turned }: Looked): Pair | undefined {
  const { sigma } = layout
  const behindOf = new Map(alikeHeaters(layout))
  for (const [waveguide, theta] of sigma.theta.entries()) {
    const phi = sigma.phi[waveguide]!
    const [ofPhi, ofTheta, later] = [cold.get(phi)!, cold.get(theta)!, turned.get(phi)!]
    if (isDead(ofTheta) || (isDead(ofPhi) && isDead(later))) continue
    const behind = behindOf.get(phi)
    const ofBehind = behind === undefined ? undefined : cold.get(behind)
    const other = exchangedWithTheta({
      phi: ofPhi,
      theta: ofTheta,
      phiHalfATurnOn: later,
      ...(ofBehind && { behind: ofBehind }),
    })
    if (other === 'phi') return [phi, theta]
    if (other === 'behind') return [theta, behind!]
  }
  return undefined
}
