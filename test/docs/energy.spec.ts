import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { measured } from '../../cli/numbers.ts'
import { BOUNDARIES } from '../../orchestrator/ledger/boundaries.ts'
import { HEADINGS } from '../../orchestrator/ledger/energy.ts'
import { PUBLISHED_FIGURES } from '../../orchestrator/ledger/published-figures.ts'

const page = await readFile('docs/energy.md', 'utf8')

describe('the page of energy', () => {
  test('has the published figures as fringe show prints them', () => {
    for (const { system, milliwattPerTops, published, boundary, source } of PUBLISHED_FIGURES) {
      expect(page).toContain(`| ${[system, measured(milliwattPerTops), published, boundary, source].join(' | ')} |`)
    }
    expect(page.match(/^\| .* \|$/gm)!.filter((row) => /arXiv|Nat|Science|Rev|preprint/.test(row))).toHaveLength(
      PUBLISHED_FIGURES.length,
    )
  })

  test('explains every boundary and every heading', () => {
    for (const name of [...BOUNDARIES, ...HEADINGS]) expect(page).toContain(`| \`${name}\` |`)
  })
})

test('published figures are converted by 1 MAC = 2 OPS', () => {
  const milliwattPerTops = (system: string): number =>
    PUBLISHED_FIGURES.find((figure) => figure.system === system)!.milliwattPerTops
  // 40 aJ/MAC are 20 aJ/OP, 0.02 fJ/OP; 40 TOPS/W are 25 mW/TOPS; 79.6 W for 65.5 TOPS.
  expect(milliwattPerTops('Netcast')).toBeCloseTo(0.02, 12)
  expect(milliwattPerTops('HITOP')).toBeCloseTo(25, 12)
  expect(milliwattPerTops('Lightmatter')).toBeCloseTo(1215.3, 1)
})
