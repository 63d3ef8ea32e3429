import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { RunRecord } from '../orchestrator/journal/records.ts'
import { isWithin } from '../orchestrator/ledger/boundaries.ts'
import type { BoundaryEnergy, PowerShare } from '../orchestrator/ledger/energy.ts'
import { energyBars } from '../pictures/energy-bars.ts'
import { powerChart } from '../pictures/power-chart.ts'
import type { PowerLine, PowerPanel } from '../pictures/power-chart.ts'
import { measured, seconds } from './numbers.ts'
import type { RunPicture } from './run-picture.ts'
import { summarise } from './step-summary.ts'

/** How the ledger names what it samples; behind a comma the instrument, where several make one component. */
const POWER = /^power of ([^,]+)(?:, (.+))?$/

/** Power over time from the samples of a run, and where its energy went; nothing of a run that has neither. */
export async function energyPictures(
  journal: JournalReader,
  record: RunRecord,
  subject: string,
): Promise<readonly RunPicture[]> {
  return [...(await powerPictures(journal, record, subject)), ...sharePictures(record, subject)]
}

async function powerPictures(
  journal: JournalReader,
  { id }: RunRecord,
  subject: string,
): Promise<readonly RunPicture[]> {
  const panels = await powerPanels(journal, id)
  if (panels.length === 0) return []
  const readings = panels.reduce((sum, { lines }) => sum + lines.reduce((all, { timesS }) => all + timesS.length, 0), 0)
  const steps = summarise(await journal.readSteps(id))
  const spans = steps.flatMap(({ name, startSeconds, seconds }) =>
    seconds === null ? [] : [{ name, fromS: startSeconds, toS: startSeconds + seconds }],
  )
  const says = `Power over the bench’s time, ${readings} samples; grey and white: the steps of the plan.`
  const caption = { heading: 'Power over time', lines: [subject, says] }
  return [{ kind: 'power', says, svg: powerChart({ caption, panels, spans }) }]
}

async function powerPanels(journal: JournalReader, run: string): Promise<readonly PowerPanel[]> {
  const panels = new Map<string, Map<string, { readonly timesS: number[]; readonly powersW: number[] }>>()
  for await (const { records } of journal.samplePages(run)) {
    for (const { quantity, unit, timeNs, value } of records) {
      const [, component, instrument] = POWER.exec(quantity) ?? []
      if (component === undefined || unit !== 'W') continue
      const lines = panels.get(component) ?? new Map<string, { timesS: number[]; powersW: number[] }>()
      panels.set(component, lines)
      const name = instrument ?? component
      const line = lines.get(name) ?? { timesS: [], powersW: [] }
      lines.set(name, line)
      line.timesS.push(timeNs / 1e9)
      line.powersW.push(value)
    }
  }
  return [...panels].map(([component, lines]) => ({
    component,
    lines: [...lines].map(([name, line]): PowerLine => ({ name, ...line })),
  }))
}

/** Of the ledger's account: energy of a component where it says so, mean power times time where it does not. */
interface AccountedEnergy {
  readonly benchSeconds: number
  readonly shares: readonly (Pick<PowerShare, 'component' | 'boundary' | 'powerW' | 'source'> &
    Partial<Pick<PowerShare, 'joules'>>)[]
  readonly boundaries: readonly (Pick<BoundaryEnergy, 'boundary' | 'joules' | 'milliwattPerTops'> &
    Partial<Pick<BoundaryEnergy, 'uncertainty'>>)[]
}

function sharePictures({ result }: RunRecord, subject: string): readonly RunPicture[] {
  const { energy } = (result ?? {}) as { readonly energy?: Partial<AccountedEnergy> }
  if (energy?.shares === undefined || energy.boundaries === undefined) return []
  const { shares, boundaries, benchSeconds = 0 } = energy
  const bars = boundaries.map((total) => ({
    boundary: total.boundary,
    total: totalText(total),
    parts: shares
      .filter((share) => isWithin(share.boundary, total.boundary))
      .map((share) => ({
        component: share.component,
        joules: share.joules ?? share.powerW * benchSeconds,
        isMeasured: share.source === 'measured',
      })),
  }))
  const says = `Energy of the job, ${seconds(benchSeconds)} on the bench’s clock, by component: each boundary holds all before it, the wall plug is one meter for everything.`
  const caption = { heading: 'Energy by component', lines: [subject, `${says} 1 MAC = 2 OPS.`] }
  return [{ kind: 'energy', says, svg: energyBars({ caption, bars }) }]
}

function totalText({ joules, milliwattPerTops, uncertainty }: AccountedEnergy['boundaries'][number]): string {
  const error = uncertainty === undefined ? '' : ` ± ${measured(uncertainty.joules, 2)}`
  return `${measured(joules)}${error} J, ${measured(milliwattPerTops)} mW/TOPS`
}
