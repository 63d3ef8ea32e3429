import { readdir, readFile, writeFile } from 'node:fs/promises'
import { goalText } from './figure.ts'
import type { Figure } from './figure.ts'

const PAGE = 'docs/performance.md'
const RESULTS = 'perf/results'

/** The text of docs/performance.md: every file of perf/results as a table. */
export async function performancePage(): Promise<string> {
  const files = (await readdir(RESULTS)).filter((file) => file.endsWith('.json')).sort()
  const sections = await Promise.all(files.map(async (file) => section(file, await readFigures(file))))
  return `# Measured figures

\`npm run bench\` measures, writes \`${RESULTS}/*.json\` with the machine, and makes this page from them; \`npm run bench -- accuracy\` does one. Every figure is a ratio or stands beside its limit in the same run. Absolute rates belong to the machine that is named; compare the ratios.

${sections.join('\n')}`
}

export async function readFigures(file: string): Promise<readonly Figure[]> {
  return JSON.parse(await readFile(`${RESULTS}/${file}`, 'utf8')) as Figure[]
}

export async function writePerformancePage(): Promise<void> {
  await writeFile(PAGE, await performancePage())
}

/** One row a figure. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map((each) => {
    const { name, value, unit, met, against } = each
    const verdict = met === null ? '' : met ? 'met' : '**not met**'
    return `| ${name} | ${Number(value.toPrecision(4))} ${unit === '1' ? '' : unit} | ${goalText(each)} | ${verdict} | ${against} |`
  })
  return `| figure | value | goal | | against |
| --- | --- | --- | --- | --- |
${rows.join('\n')}`
}

function section(file: string, figures: readonly Figure[]): string {
  const [first] = figures
  return `## ${file.replace('.json', '')}

${figureTable(figures)}

${first === undefined ? '' : `${first.machine}, ${first.date}`}
`
}
