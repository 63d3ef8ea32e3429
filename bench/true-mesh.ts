import { VirtualClock } from '../core/clock.ts'
import type { MeshBench } from '../core/mesh-bench.ts'
import { dbmToMw } from '../core/quantities.ts'
import type { MeshWorld } from '../sim/optics/mesh-world.ts'
import type { MeshBenchFile } from './bench-file.ts'
import { startDirectTwin } from './direct-twin.ts'
import { openMeshBench } from './open-bench.ts'

/** A field as it arrives somewhere: its size, √mW, or what is left of it, and its phase. */
export interface TrueField {
  readonly size: number
  readonly phaseRad: number
}

/** What the light of a twin with a mesh meets now, drift included: for an oracle, never for a calibration or a job. */
export interface TrueMesh {
  /** [heater] */
  readonly offsetRad: Float64Array
  readonly radPerV2: Float64Array
  /** As heaters warm each other. */
  readonly crosstalk: { readonly neighbour: number; readonly decayPitch: number }
  /** V†, Σ, U; [interferometer] */
  readonly mzis: readonly { readonly alphaRad: number; readonly betaRad: number; readonly fieldRatio: number }[]
  /** [lane][port] */
  readonly ports: readonly (readonly TruePort[])[]
}

export interface TruePort {
  /** From the laser to the mesh. */
  readonly input: TrueField
  /** From the mesh to the coupler. */
  readonly output: TrueField
  readonly localOscillator: TrueField
  readonly plus: TruePhotodiode
  readonly minus: TruePhotodiode
  readonly modulator: {
    readonly vpiV: number
    readonly driverGain: number
    readonly lockErrorV: number
    readonly leakField: number
  }
}

export interface TruePhotodiode {
  readonly gain: number
  readonly darkMw: number
}

/** `meterNames`: as the bench file has them, in the order of the bench. Lasers that are dark count as told. */
export function trueMesh(bench: MeshBench, world: MeshWorld, meterNames: readonly string[]): TrueMesh {
  const { layout } = bench
  const { chip, paths, filters, photodiodes, modulators } = world.truth
  const { phasesRad, resistance } = world.core.drifted
  const { muxField, demuxPower } = filters.at(Float64Array.from(bench.lasers, ({ frequencyThz }) => frequencyThz))
  const diode = ({ meter, port }: { readonly meter: number; readonly port: number }): TruePhotodiode =>
    photodiodes.get(`${meterNames[meter]!}.${port}`)!
  return {
    offsetRad: chip.offsetRad.map((offset, h) => offset + phasesRad[h]!),
    radPerV2: chip.piPowerMw.map((piMw, h) => (Math.PI * 1e3) / (piMw * chip.resistanceOhm[h]! * resistance[h]!)),
    crosstalk: { neighbour: chip.crosstalk.law.crosstalkNeighbour, decayPitch: chip.crosstalk.law.crosstalkDecayPitch },
    mzis: [...chip.first, ...chip.sigma, ...chip.second],
    ports: bench.lanes.map(({ detectors }, lane) => {
      const { inRe, inIm, outRe, outIm, loRe, loIm } = paths[lane]!
      const { laserPower } = bench.lasers[lane]!
      // Modules emit a little more or less than they were told.
      const amplitude = Math.sqrt(world.laserMw(lane) || dbmToMw(laserPower))
      return detectors.map(({ plus, minus }, port) => {
        const at = lane * layout.size + port
        const passed = chip.tapFieldRatio * Math.sqrt(demuxPower[lane * paths.length * layout.size + at]!)
        const { vpiV, driverGain, leakField } = modulators[at]!
        return {
          input: field(inRe[port]!, inIm[port]!, amplitude * muxField[at]!),
          output: field(outRe[port]!, outIm[port]!, passed),
          localOscillator: field(loRe[port]!, loIm[port]!, amplitude),
          plus: diode(plus),
          // What is calibrated is read by pairs.
          minus: diode(minus!),
          modulator: { vpiV, driverGain, leakField, lockErrorV: world.lockErrorV(at) },
        }
      })
    }),
  }
}

const field = (re: number, im: number, times: number): TrueField => ({
  size: times * Math.hypot(re, im),
  phaseRad: Math.atan2(im, re),
})

/** A twin that can be asked for its truth. */
export interface KnownTwin extends AsyncDisposable {
  readonly bench: MeshBench
  /** As it is now. */
  truth(): TrueMesh
}

/** The twin of a bench a second time, without wires: the same chip, at the same age when it starts. */
export async function openKnownTwin(
  file: MeshBenchFile,
  { seed, ageS }: { readonly seed: number; readonly ageS: number },
  signal: AbortSignal,
): Promise<KnownTwin> {
  const clock = new VirtualClock()
  const { direct, world } = startDirectTwin(file, { seed, ageS, clock })
  const open = await openMeshBench(file, { direct, clock, signal })
  return {
    bench: open.bench,
    truth: () => trueMesh(open.bench, world, file.wiring.meters),
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  }
}
