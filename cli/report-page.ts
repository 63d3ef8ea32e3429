import type { Verification } from '../calibration/calibration-record.ts'
import type { IntensityVerification } from '../calibration/intensity/intensity-record.ts'
import type { InstrumentNote, RunRecord, StepRecord } from '../orchestrator/journal/records.ts'
import type { Calibration } from './core-kind.ts'
import { code, plain, shellWord, table } from './markdown.ts'
import { counted, measured, moment, seconds } from './numbers.ts'
import type { Finding, Findings } from './report-findings.ts'
import type { ReportSection } from './report-light.ts'
import { fileOf } from './run-picture.ts'
import type { RunPicture } from './run-picture.ts'
import type { RunOutcome } from './run-job.ts'
import { originOf, summarise } from './step-summary.ts'

/** All that a report tells. */
export interface ReportFacts {
  readonly run: RunRecord
  readonly bench: string
  readonly steps: readonly StepRecord[]
  /** Input vectors that each step plays when it is made; steps whose cost depends on what they find are absent. */
  readonly vectors: ReadonlyMap<string, number>
  readonly calibration: { readonly id: string; readonly createdMs: number; readonly record: Calibration }
  readonly findings: Findings
  /** Chapters of this kind of core alone. */
  readonly more: readonly ReportSection[]
  /** What a twin would have verified at with nothing unknown; undefined where there is no truth to be seen. */
  readonly oracle: Verification | undefined
  readonly pictures: readonly RunPicture[]
  /** The journal, as the user names it. */
  readonly journal: string
}

/** What the runs' headers say of how they were called, whatever the job. */
interface Asked {
  readonly sim: 'pipe' | 'wire' | 'direct' | null
  readonly ageS: number | null
}

/** A calibration on one page: Markdown, with the pictures beside it. */
export function reportPage(facts: ReportFacts): string {
  const { calibration, findings, bench, oracle } = facts
  const { verification } = calibration.record
  return [
    `# Calibration ${calibration.id}`,
    '',
    `Bench ${plain(bench)}, ${chipText(facts.run)}: ${inShort(verification)}`,
    ...section('What was calibrated', subjectTable(facts)),
    ...section(
      'How good it is',
      'verdict' in verification ? unitariesTable(verification) : verificationTable(verification, oracle),
    ),
    ...section('What was found', findingsTable(findings.found)),
    ...section('Where it is weakest', findingsTable(findings.weakest)),
    ...facts.more.flatMap(({ title, lines }) => section(title, lines)),
    ...section('Pictures', facts.pictures.flatMap(pictureLines)),
    ...section('Steps', stepsTable(facts)),
    ...section('Instruments', instrumentsTable(facts.run.header.instruments)),
    ...section('Using it', commandLines(facts)),
  ]
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd()
    .concat('\n')
}

const section = (title: string, lines: readonly string[]): string[] => ['', `## ${title}`, '', ...lines]

const chipText = ({ header }: RunRecord): string => (header.seed === null ? 'hardware' : `twin, chip ${header.seed}`)

function subjectTable({ run, bench, calibration, findings, journal }: ReportFacts): string[] {
  const { header, id, startedMs } = run
  const { vectors, safe, seconds: took } = run.result as RunOutcome & { readonly vectors?: number }
  const { ageS } = header.arguments as Asked
  const versions = Object.entries(header.versions).map(([name, version]) => `${name} ${version}`)
  return table(
    ['what', 'value'],
    [
      ['bench', `${plain(bench)}, ${code(header.bench.path)}, SHA-256 ${code(header.bench.hash.slice(0, 16))}…`],
      ['core', plain(findings.core)],
      ['chip', chipText(run)],
      ...(ageS === null || ageS === 0 ? [] : [['age of the twin', `${measured(ageS)} s`]]),
      ['run', `${code(id)} in journal ${code(journal)}`],
      ['began', moment(startedMs)],
      ['in the journal since', moment(calibration.createdMs)],
      ['took', `${seconds(took)} of real time`],
      ...(vectors === undefined ? [] : [['input vectors', `${counted(vectors)}, lanes counted apart`]]),
      ['bench at the end', safe ? 'safe, read back' : '**not known to be safe**'],
      [
        'versions',
        plain([...versions, ...(header.commit === null ? [] : [`commit ${header.commit.slice(0, 12)}`])].join(', ')),
      ],
      ['computed by', plain(Object.values(header.engines).join('; '))],
    ],
  )
}

const inShort = (verification: Calibration['verification']): string =>
  'verdict' in verification
    ? `**amplitude fidelity ${measured(verification.amplitudeFidelity, 6)}**, ${verification.verdict}, on unitaries that the calibration had not seen.`
    : `**${verification.effectiveBits.toFixed(2)} effective bits** on matrices that the calibration had not seen.`

function unitariesTable({ targets, amplitudeFidelity, tvd, modelTvd, verdict }: IntensityVerification): string[] {
  return [
    `Measured on the bench with ${targets} random unitaries that no fit has seen, one input lit after the other by both signs.`,
    ...table(
      ['metric', 'value', 'meaning'],
      [
        ['verdict', verdict, 'whether the chip shows what its fit foretells'],
        ['amplitude fidelity', measured(amplitudeFidelity, 6), 'likeness of magnitudes, as powers show them'],
        [
          'TVD',
          measured(tvd),
          'share of the light that leaves by a wrong output: losses and splitters out of reach included, what dark modulators leave over not',
        ],
        [
          'TVD from the fitted chip',
          measured(modelTvd),
          'the same of one sign beside what the fit foretells, dark modulators included: how well the chip is known',
        ],
      ],
      ['value'],
    ),
  ]
}

function verificationTable(found: Verification, oracle: Verification | undefined): string[] {
  const metrics: readonly (readonly [string, (of: Verification) => string, string])[] = [
    [
      'effective bits',
      ({ effectiveBits }) => effectiveBits.toFixed(2),
      'log2 of range / RMS error of products with random inputs: what a job gets',
    ],
    [
      'E',
      ({ E }) => measured(E),
      'distance of the matrix made from the one asked for, per port; sees everything, scale included',
    ],
    ['F', ({ F }) => measured(F, 6), 'likeness of both matrices, one common factor ignored; 1 is alike'],
    [
      'amplitude fidelity',
      ({ amplitudeFidelity }) => measured(amplitudeFidelity, 6),
      'likeness of magnitudes; ignores signs and phases, so it flatters',
    ],
    [
      'TVD',
      ({ tvd }) => measured(tvd),
      'share of the light that leaves by a wrong output; ignores signs and every input’s scale',
    ],
  ]
  const beside = oracle === undefined ? [] : [oracle]
  const titles = ['metric', 'value', ...beside.map(() => 'oracle'), 'meaning']
  return [
    'Measured on the bench with random matrices that no fit has seen.',
    ...beside.flatMap(() => ['', ORACLE]),
    ...table(
      titles,
      metrics.map(([name, valueOf, meaning]) => [name, ...[found, ...beside].map(valueOf), meaning]),
      ['value', 'oracle'],
    ),
  ]
}

const ORACLE =
  'Oracle: the same twin, lit a second time and programmed to the same matrices with its true parameters. No bench would tell it them, and no calibration has seen them.'

const findingsTable = (rows: readonly Finding[]): string[] =>
  table(
    ['what', 'value'],
    rows.map(([what, value]) => [what, value.replaceAll('|', '\\|').trim()]),
  )

function pictureLines(picture: RunPicture): string[] {
  const { says } = picture
  return [`![${plain(says)}](${fileOf(picture, 'png')})`, '', `*${plain(says)}*`, '']
}

function stepsTable({ steps, vectors }: ReportFacts): string[] {
  const records = new Map(steps.map((record) => [record.step, record]))
  const rows = summarise(steps).map(({ step, name, seconds: took }) => {
    const origin = originOf(records.get(step)!)
    const played = origin === undefined ? vectors.get(name) : undefined
    return [
      plain(name),
      played === undefined || played === 0 ? '' : counted(played),
      took === null ? '' : took.toFixed(3),
      origin === undefined ? '' : code(origin.run),
    ]
  })
  return [
    'Seconds are the bench’s own: settling, symbols and instruments. What only computes takes none on a twin.',
    ...table(['step', 'input vectors', 'bench time, s', 'taken from run'], rows, ['input vectors', 'bench time, s']),
  ]
}

function instrumentsTable(instruments: readonly InstrumentNote[]): string[] {
  return table(
    ['name', 'driver', 'resource', 'answered as', 'firmware'],
    instruments.map(({ name, driver, resource, identity }) => [
      plain(name),
      plain(driver),
      code(resource),
      plain(
        [identity?.maker, identity?.model, identity?.serial]
          .filter((part) => part !== undefined && part !== '')
          .join(' '),
      ),
      plain(identity?.firmware ?? ''),
    ]),
  )
}

/** What to type next, from where the calibration was made. */
function commandLines({ run, calibration, journal }: ReportFacts): string[] {
  const { sim, ageS } = run.header.arguments as Asked
  const bench = run.header.bench.path
  const far = [
    ...(sim === null ? [] : [sim === 'pipe' ? '--sim' : `--sim=${sim}`]),
    ...(run.header.seed === null ? [] : ['--seed', String(run.header.seed)]),
    ...(ageS === null || ageS === 0 ? [] : ['--age', `${ageS}s`]),
  ]
  const call = (...words: readonly string[]): string =>
    ['npx', 'fringe', ...words, '--journal', journal].map(shellWord).join(' ')
  const chosen = ['--calibration', calibration.id]
  const replay =
    sim === 'direct'
      ? 'Made without wires (`--sim=direct`), it is repeated rather than replayed.'
      : 'Its own bytes repeat it:'
  const hasProducts = !('verdict' in calibration.record.verification)
  return [
    hasProducts ? 'Multiply with it, and measure what it is worth by now:' : 'Measure what it is worth by now:',
    ...['', '```sh'],
    ...(hasProducts ? [call('matmul', bench, 'A.npy', 'B.npy', '-o', 'C.npy', ...chosen, ...far)] : []),
    call('calibrate', bench, '--verify-only', ...chosen, ...far),
    ...['```', '', replay],
    ...(sim === 'direct' ? [] : ['', '```sh', call('replay', run.id), '```']),
  ]
}
