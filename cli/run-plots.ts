import { benchOfRun, requireKind } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import type { DenseArray } from '../orchestrator/arrays/dense-array.ts'
import { decodeArray } from '../orchestrator/arrays/npy.ts'
import { exactResult, noSink, productJob } from '../orchestrator/jobs/product-job.ts'
import type { ProductJob } from '../orchestrator/jobs/multiply-panels.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { CalibrationRecord, RunRecord } from '../orchestrator/journal/records.ts'
import type { BlockScaling } from '../orchestrator/tiles/block-scaling.ts'
import { TileProduct } from '../orchestrator/tiles/tile-product.ts'
import type { RealMatrix } from '../orchestrator/tiles/tile-product.ts'
import { errorHistogram } from '../pictures/error-histogram.ts'
import { meshPhasesPicture } from '../pictures/mesh-phases.ts'
import { meshSplittersPicture } from '../pictures/mesh-splitters.ts'
import { spectrumChart } from '../pictures/spectrum-chart.ts'
import { AWGR_DRAWN_STEPS, ringPictures } from './awgr-calibration-pictures.ts'
import type { Calibration } from './core-kind.ts'
import { energyPictures } from './energy-pictures.ts'
import { fittedMesh } from './fitted-mesh.ts'
import type { HeaterSetting } from './fitted-mesh.ts'
import { fittedSpectrum } from './fitted-spectrum.ts'
import { sizeText } from './matmul-job.ts'
import type { MatmulArguments, MatmulRecord } from './matmul-job.ts'
import {
  chipResidualPictures,
  crosstalkPicture,
  localOscillatorPictures,
  MESH_DRAWN_STEPS,
} from './mesh-calibration-pictures.ts'
import { intensityResidualPictures } from './intensity-calibration-pictures.ts'
import type { RunPicture } from './run-picture.ts'
import { isAwgrRecord, isIntensityRecord, isMeshRecord, readFindings } from './step-findings.ts'
import { isSplit } from './split-job.ts'
import type { StepFindings } from './step-findings.ts'

/**
 * The pictures of a run, from what its journal holds: the fitted chip, the factors and the product.
 *
 * Throws: CALL_INVALID when there is nothing to draw.
 */
export async function runPictures(
  journal: JournalReader,
  record: RunRecord,
  calibration: CalibrationRecord | undefined,
): Promise<readonly RunPicture[]> {
  const { id, status } = record
  if (isSplit(record)) {
    const why = `run ${id} was split over cores: draw the runs of its cores, which "fringe show ${id}" lists`
    throw new BenchError('CALL_INVALID', why, { context: { run: id } })
  }
  const subject = subjectOf(record)
  const factors = await factorsOf(journal, record)
  const drawn = factors === undefined ? [...MESH_DRAWN_STEPS, ...AWGR_DRAWN_STEPS] : []
  const findings = await readFindings(journal, record, drawn)
  const pictures = [
    ...meshPictures(record, calibration, factors, subject),
    ...(factors === undefined ? meshCalibrationPictures(calibration, findings, subject) : []),
    ...spectrumPictures(record, calibration, factors, findings, subject),
    ...(factors === undefined ? [] : await errorPictures(journal, record, factors, subject)),
    ...(await energyPictures(journal, record, subject)),
  ]
  if (pictures.length > 0) return pictures
  const why = `run ${id} (${status}) has neither a calibration nor a finished product`
  throw new BenchError('CALL_INVALID', `${why}, so there is nothing to draw: leave out --plot`, {
    context: { run: id },
  })
}

/** Of which run, bench and chip. */
function subjectOf({ id, kind, header }: RunRecord): string {
  const { name } = benchOfRun(header.bench)
  return `run ${id} (${kind}) · bench ${name} · ${header.seed === null ? 'hardware' : `twin, chip ${header.seed}`}`
}

interface Factors {
  readonly job: ProductJob
  /** All that the first of its real products has for weights. */
  readonly weights: RealMatrix
}

/** Undefined for factors that the journal does not hold. */
async function factorsOf(journal: JournalReader, { kind, header }: RunRecord): Promise<Factors | undefined> {
  if (kind !== 'matmul') return undefined
  const asked = header.arguments as MatmulArguments
  if (asked.a.kept !== undefined || asked.b.kept !== undefined) return undefined
  const read = async ({ path, sha256 }: MatmulArguments['a']): Promise<DenseArray> =>
    decodeArray(await journal.readBlob(sha256), path)
  const job = productJob(await read(asked.a), await read(asked.b), asked.convolution)
  const [first] = job.products(noSink)
  return { job, weights: await first!.readB(0, first!.columns, new AbortController().signal) }
}

function meshPictures(
  { header }: RunRecord,
  stored: CalibrationRecord | undefined,
  factors: Factors | undefined,
  subject: string,
): readonly RunPicture[] {
  const calibration = stored?.record as Calibration | undefined
  if (stored === undefined || !(isMeshRecord(calibration) || isIntensityRecord(calibration))) return []
  const { size } = calibration
  const fitted = `Fitted chip of calibration ${stored.id}`
  const mesh = isIntensityRecord(calibration) ? 'the mesh' : 'V†'
  const light = `Light travels to the right; all inputs of ${mesh} equally lit and in phase, losses outside the meshes left out.`
  const { wiring } = benchOfRun(header.bench)
  const setting = factors === undefined ? 'cold' : firstTile(factors, size, wiring.heaters.limitV)
  const heading = setting === 'cold' ? 'Phases and powers at zero volts' : 'Phases and powers of the first tile'
  const set = setting === 'cold' ? 'all heaters at 0 V' : 'heaters as programmed for the first tile of B'
  const sections = fittedMesh(calibration, setting)
  const phases = meshPhasesPicture({
    caption: { heading: `${heading}, ${size} × ${size} mesh`, lines: [subject, `${fitted}, ${set}. ${light}`] },
    ...{ size, sections },
  })
  const drawn: RunPicture = { kind: 'mesh', says: `${heading} of the fitted chip.`, svg: phases }
  if (factors !== undefined) return [drawn]
  const rms = (1e3 * calibration.fit.splitterRmsRad).toFixed(1)
  const splitters = meshSplittersPicture({
    caption: {
      heading: `Splitters of the fitted chip, ${size} × ${size} mesh`,
      lines: [subject, `${fitted}; ${rms} mrad RMS. Light travels to the right.`],
    },
    size,
    sections: sections.map(({ name, columns, devices }) => ({ name, columns, devices })),
  })
  return [
    drawn,
    { kind: 'splitters', says: `Errors of all splitter angles as fitted, ${rms} mrad RMS.`, svg: splitters },
  ]
}

function meshCalibrationPictures(
  stored: CalibrationRecord | undefined,
  findings: StepFindings,
  subject: string,
): readonly RunPicture[] {
  const calibration = stored?.record as Calibration | undefined
  if (isIntensityRecord(calibration)) {
    return [
      crosstalkPicture(calibration.fit, { subject, rows: Infinity, of: 'phase' }),
      ...intensityResidualPictures(calibration, findings, subject),
    ]
  }
  const fringes = localOscillatorPictures(findings, subject)
  if (!isMeshRecord(calibration)) return fringes
  return [
    ...fringes,
    crosstalkPicture(calibration.fit, { subject, rows: Infinity, of: 'phase' }),
    ...chipResidualPictures(calibration, findings, subject),
  ]
}

function spectrumPictures(
  { header, result }: RunRecord,
  stored: CalibrationRecord | undefined,
  factors: Factors | undefined,
  findings: StepFindings,
  subject: string,
): readonly RunPicture[] {
  const calibration = stored?.record as Calibration | undefined
  if (stored === undefined || !isAwgrRecord(calibration)) return []
  const { wiring } = requireKind(benchOfRun(header.bench), 'awgr')
  const { numerics } = (result ?? {}) as Partial<MatmulRecord>
  const setting =
    factors === undefined ? 'cold' : firstTile(factors, calibration.size, wiring.heaters.limitV, numerics?.scaling)
  const set = setting === 'cold' ? 'all heaters at 0 V' : 'heaters as programmed for the first tile of B'
  const lasersThz = wiring.wavelengths.map(({ frequencyThz }) => frequencyThz)
  const svg = spectrumChart({
    title: `Rings of input port 0, ${calibration.size} × ${calibration.size} AWGR core`,
    lines: [subject, `Fitted rings of calibration ${stored.id}, ${set}.`],
    ...fittedSpectrum(calibration, lasersThz, setting),
  })
  const says = `Light that the ring bank of input port 0 drops and lets through, as fitted, ${set}.`
  const spectrum: RunPicture = { kind: 'spectrum', says, svg }
  if (factors !== undefined) return [spectrum]
  const rows = calibration.form === 'shared' ? 1 : calibration.size
  return [
    spectrum,
    crosstalkPicture(calibration.fit, { subject, rows, of: 'shift' }),
    ...ringPictures(calibration, lasersThz, findings, subject),
  ]
}

function firstTile({ weights }: Factors, size: number, maxVoltageV: number, scaling?: BlockScaling): HeaterSetting {
  const noRows = { rows: 0, columns: weights.rows, data: new Float64Array(0) }
  const product = new TileProduct(noRows, weights, { outputs: size, inputs: size }, scaling)
  return product.tiles === 0 ? 'cold' : { weights: product.tile(0).tile.weights, maxVoltageV }
}

async function errorPictures(
  journal: JournalReader,
  { header, result }: RunRecord,
  { job }: Factors,
  subject: string,
): Promise<readonly RunPicture[]> {
  const { product, effectiveBits = null } = (result ?? {}) as Partial<MatmulRecord>
  if (product === undefined || product.kept !== undefined) return []
  const asked = header.arguments as MatmulArguments
  const computed = decodeArray(await journal.readBlob(product.sha256), 'the product').data
  const exact = (await exactResult(job)).data
  let [min, max] = [Infinity, -Infinity]
  for (const value of exact) {
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  // Without a range there is nothing to measure errors by.
  if (!(max > min)) return []
  const svg = errorHistogram({
    heading: `Errors of ${asked.convolution === undefined ? 'C = A·B' : 'a convolution'}, ${sizeText(asked.a)} times ${sizeText(asked.b)}`,
    lines: [subject, 'Computed on light against the float64 product of the factors in the journal.'],
    errors: computed.map((value, i) => (value - exact[i]!) / (max - min)),
    effectiveBits,
  })
  return [{ kind: 'errors', says: 'Errors of the product against float64, with the normal law that fits.', svg }]
}
