import { availableParallelism } from 'node:os'
import { BenchError } from '../core/errors.ts'
import type { ProductCore } from '../core/product-core.ts'
import { dbmToMw, powerDbm } from '../core/quantities.ts'
import { AwgrProductTables } from '../sim/direct/awgr-product-tables.ts'
import { KernelProduct } from '../sim/direct/kernel-product.ts'
import { MeshProductTables } from '../sim/direct/mesh-product-tables.ts'
import type { BenchSetup } from '../sim/direct/product-tables.ts'
import { whyNoProduct } from '../sim/direct/why-no-product.ts'
import { voltsPerCode } from '../sim/instruments/m8195a-levels.ts'
import { fullScaleMw } from '../sim/instruments/n7745-converter.ts'
import { Kernels } from '../sim/kernels/kernels.ts'
import type { EngineName } from '../sim/kernels/kernels.ts'
import { findOpenBlas } from '../sim/kernels/openblas.ts'
import type { BenchFile } from './bench-file.ts'
import { awgrSpecOf, chipSeed, meshSpecOf } from './twin-world.ts'

export interface ProductTwinOptions {
  readonly seed: number
  /** As many as the machine has processors, when left out. */
  readonly threads?: number
  /** The fastest that there is, when left out. */
  readonly engine?: EngineName
}

/**
 * The core of a bench as kernels compute it, without its instruments.
 *
 * Throws: CALL_INVALID naming what of the bench the kernels do not know.
 */
export function openProductTwin(file: BenchFile, options: ProductTwinOptions): ProductCore {
  const { seed, threads = availableParallelism(), engine = fastestEngine() } = options
  const setup = setupOf(file, chipSeed(file, seed))
  if (file.kind === 'mesh') {
    const spec = meshSpecOf(file)
    refuse(file, whyNoProduct.mesh(spec, setup))
    const kernels = new Kernels(engine)
    return new KernelProduct('mesh', kernels, new MeshProductTables(kernels, spec, setup), threads)
  }
  const spec = awgrSpecOf(file)
  refuse(file, whyNoProduct.awgr(spec, setup))
  const kernels = new Kernels(engine)
  return new KernelProduct('awgr', kernels, new AwgrProductTables(kernels, spec, setup), threads)
}

export const fastestEngine = (): EngineName => (findOpenBlas() === undefined ? 'wasm' : 'openblas')

function setupOf({ wiring }: BenchFile, seed: number): BenchSetup {
  const { frame, heaters, driveAmplitudeV, meterRangeDbm } = wiring
  const lasers = 'lanes' in wiring ? wiring.lanes : wiring.wavelengths
  return {
    seed,
    lasers: lasers.map(({ powerDbm: dbm, frequencyThz }) => ({ powerMw: dbmToMw(powerDbm(dbm)), frequencyThz })),
    // Peak to peak.
    voltsPerCode: voltsPerCode(2 * driveAmplitudeV),
    symbolPeriodS: frame.symbolPeriodS,
    pointsPerSymbol: frame.pointsPerSymbol,
    fullScaleMw: fullScaleMw(meterRangeDbm),
    settleS: heaters.settleMs / 1e3,
  }
}

function refuse({ path }: BenchFile, why: string | undefined): void {
  if (why === undefined) return
  throw new BenchError('CALL_INVALID', `${path} cannot be computed by kernels: ${why}; use --sim or --sim=direct`, {
    context: { file: path },
  })
}
