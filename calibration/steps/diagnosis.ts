import { BenchError } from '../../core/errors.ts'
import type { HeaterRole } from '../../core/mesh-layout.ts'
import { isDead } from '../model/heater-signature.ts'
import type { HeaterSignature } from '../model/heater-signature.ts'
import { isSwappedAttenuator } from '../model/swapped-attenuator.ts'
import { swappedCoreHeaters, swappedPortHeaters } from '../model/swapped-heaters.ts'
import type { Pair } from '../model/swapped-heaters.ts'
import { coldHeaters } from './calibration-context.ts'
import type { CalibrationContext } from './calibration-context.ts'
import type { ChipProbe } from './chip-readings.ts'
import { heaterSignatures } from './heater-signatures.ts'
import { deadHeater, heaterText } from './sweep-fringe.ts'

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
    const { signatures } = await look(context, probe, [suspect], signal)
    const signature = signatures.get(suspect)!
    if (isDead(signature)) return deadHeater(context, suspect, { swing: Math.max(...signature.swing) })
  }
  if (layout.heaters.length > MOST_HEATERS) return undefined
  const { signatures, turned } = await look(context, probe, [...layout.heaters.keys()], signal)
  const pair = swappedPortHeaters(layout, signatures) ?? swappedCoreHeaters(layout, signatures) ?? swappedInWaveguide()
  if (pair !== undefined) return swappedHeaters(context, pair, cause)
  const dead = [...signatures].find(([, signature]) => isDead(signature))
  return dead && deadHeater(context, dead[0], { swing: Math.max(...dead[1].swing) })

  function swappedInWaveguide(): Pair | undefined {
    for (const [waveguide, theta] of layout.sigma.theta.entries()) {
      const phi = layout.sigma.phi[waveguide]!
      const [ofPhi, ofTheta, later] = [turned.before.get(phi)!, signatures.get(theta)!, turned.after.get(phi)!]
      if ([ofTheta, ofPhi, later].every(isDead)) continue
      if (isSwappedAttenuator({ phi: ofPhi, theta: ofTheta, phiHalfATurnOn: later })) return [phi, theta]
    }
    return undefined
  }
}

interface Looked {
  readonly signatures: ReadonlyMap<number, HeaterSignature>
  /** φ of attenuators, at the cold θ of each and half a turn on. */
  readonly turned: {
    readonly before: ReadonlyMap<number, HeaterSignature>
    readonly after: ReadonlyMap<number, HeaterSignature>
  }
}

/** A shut attenuator hides its φ heater: each is looked at twice, and the stronger signature counts. */
async function look(
  context: CalibrationContext,
  probe: ChipProbe,
  heaters: readonly number[],
  signal: AbortSignal,
): Promise<Looked> {
  const { layout, heaterLimitsV } = context.bench
  const cold = coldHeaters(context.bench)
  const before = await heaterSignatures(context, probe, cold, heaters, signal)
  const turnedV = cold.slice()
  for (const theta of layout.sigma.theta) {
    const radPerV2 = before.get(theta)?.radPerV2 ?? probe.nominalRadPerV2
    turnedV[theta] = Math.min(heaterLimitsV.max, Math.sqrt(Math.PI / radPerV2))
  }
  const hidden = heaters.filter((heater) => layout.sigma.phi.includes(heater))
  const after = await heaterSignatures(context, probe, turnedV, hidden, signal)
  const signatures = new Map(before)
  for (const [heater, signature] of after) {
    if (Math.max(...signature.swing) > Math.max(...before.get(heater)!.swing)) signatures.set(heater, signature)
  }
  return { signatures, turned: { before, after } }
}

function swappedHeaters(context: CalibrationContext, pair: Pair, cause: BenchError): BenchError {
  const { bench } = context
  const [a, b] = pair.toSorted((left, right) => left - right)
  const roles = (heaters: readonly number[]): HeaterRole[] =>
    heaters.map((heater) => bench.layout.heaters[heater]!.role)
  return new BenchError(
    'CALIBRATION_FAILED',
    `${heaterText(bench, a!)} and ${heaterText(bench, b!)} act as if exchanged: swap their cables, or their channels in the bench file`,
    {
      cause,
      context: {
        heaters: [a!, b!],
        channels: [bench.heaterChannels[a!]!, bench.heaterChannels[b!]!],
        roles: roles([a!, b!]),
      },
    },
  )
}
