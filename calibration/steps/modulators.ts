import { BenchError } from '../../core/errors.ts'
import type { FrameCodes } from '../../orchestrator/frames/frame-runner.ts'
import type { MeshCalibration } from '../calibration-record.ts'
import { balancedSignals } from '../calibration-record.ts'
import { fitSharedFringe } from '../fit/fringe.ts'
import { coldHeaters, portTable } from './calibration-context.ts'
import type { CalibrationContext, PortTable } from './calibration-context.ts'

const MAX_CODE = 127
const QUADRATURES_RAD = [0, Math.PI / 2]
/** Half phase at full code looked for: a drive of 0.4 to 2.5 times Vπ. */
const RANGE_RAD_PER_CODE = { min: (0.2 * Math.PI) / MAX_CODE, max: (1.25 * Math.PI) / MAX_CODE }

/**
 * Sweeps the code of one modulator after the other, on all lanes at once, and looks at the field at all outputs in
 * both quadratures: field = c·(sin(k·code + b) + i·leak·cos(k·code + b)) gives Vπ (k), bias error (b) and extinction.
 *
 * Throws: CALIBRATION_FAILED naming lane and port where no light answers the code.
 * Leaves: local-oscillator heaters in the second quadrature.
 */
export async function measureModulators(
  { bench, frames, heaters }: CalibrationContext,
  detectors: MeshCalibration['detectors'],
  loRadPerV2: PortTable,
  signal: AbortSignal,
): Promise<MeshCalibration['modulators']> {
  const { size } = bench.layout
  const levels = sweepLevels(bench.timing.maxSymbolsPerFrame, size)
  const codes = sweepCodes(bench.lanes.length, size, levels)
  const quadratures: Float64Array[][][] = []
  for (const turnRad of QUADRATURES_RAD) {
    const voltages = coldHeaters(bench)
    for (const [lane, ports] of bench.layout.lo.entries()) {
      for (const [port, heater] of ports.entries()) voltages[heater] = Math.sqrt(turnRad / loRadPerV2[lane]![port]!)
    }
    await heaters.set(voltages, signal)
    const reading = await frames.run(codes, signal)
    quadratures.push(
      reading.plusMw.map((outputs, lane) => outputs.map((_, port) => balancedSignals(detectors, lane, port, reading))),
    )
  }
  const x = Float64Array.from(levels)
  const fits = bench.lanes.map((_, lane) =>
    Array.from({ length: size }, (_, port) => {
      const [from, to] = [port * levels.length, (port + 1) * levels.length]
      const channels = quadratures.flatMap((outputs) => outputs[lane]!.map((series) => series.subarray(from, to)))
      const fit = fitSharedFringe(x, channels, RANGE_RAD_PER_CODE)
      if (!(fit.rmsAmplitude > 10 * fit.rmsResidual)) {
        throw new BenchError(
          'CALIBRATION_FAILED',
          `lane ${lane}, input ${port}: the light does not follow the modulator's code; check its drive cable and its bias`,
          { context: { lane, port, rmsAmplitude: fit.rmsAmplitude, rmsResidual: fit.rmsResidual } },
        )
      }
      // Cosine over sine amplitude, as complex numbers, averaged over the outputs: about tan b + i·leak.
      let [re, im, weight] = [0, 0, 0]
      for (let output = 0; output < size; output++) {
        const [inPhase, quadrature] = [fit.channels[output]!, fit.channels[size + output]!]
        re += inPhase.cos * inPhase.sin + quadrature.cos * quadrature.sin
        im += quadrature.cos * inPhase.sin - inPhase.cos * quadrature.sin
        weight += inPhase.sin ** 2 + quadrature.sin ** 2
      }
      return { radPerCode: fit.radPerX, biasRad: Math.atan(re / weight), leak: im / weight }
    }),
  )
  return {
    radPerCode: portTable(bench, (lane, port) => fits[lane]![port]!.radPerCode),
    biasRad: portTable(bench, (lane, port) => fits[lane]![port]!.biasRad),
    leak: portTable(bench, (lane, port) => fits[lane]![port]!.leak),
  }
}

/** Evenly spaced codes from −127 to 127, as many as all ports of a frame can have. */
export function sweepLevels(maxSymbols: number, size: number): number[] {
  const count = Math.max(8, Math.min(43, Math.floor(maxSymbols / size)))
  return Array.from({ length: count }, (_, i) => Math.round(-MAX_CODE + (2 * MAX_CODE * i) / (count - 1)))
}

function sweepCodes(lanes: number, size: number, levels: readonly number[]): FrameCodes {
  return Array.from({ length: lanes }, () =>
    Array.from({ length: size }, (_, port) => {
      const symbols = new Int8Array(size * levels.length)
      symbols.set(levels, port * levels.length)
      return symbols
    }),
  )
}
