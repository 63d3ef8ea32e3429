import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CRUISE = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')

interface Violation {
  readonly rule: string
  readonly from: string
}

/** Runs dependency-cruiser with the project's rules, as `npm run layers` does. */
async function cruise(
  directory: string,
  folders: readonly string[],
): Promise<{ modules: number; violations: Violation[] }> {
  const args = [CRUISE, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', ...folders]
  // Violations are an exit code too; here they are an answer.
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: directory, maxBuffer: 1 << 28 }).catch(
    (error: unknown) => error as { stdout: string },
  )
  const { modules, summary } = JSON.parse(stdout) as {
    modules: unknown[]
    summary: { violations: { from: string; rule: { name: string } }[] }
  }
  return {
    modules: modules.length,
    violations: summary.violations.map(({ from, rule }) => ({ rule: rule.name, from })),
  }
}

/** A tree of a few small files under the project's rules. */
async function cruiseSmall(files: Readonly<Record<string, string>>): Promise<Violation[]> {
  const directory = await mkdtemp(join(tmpdir(), 'fringe-layers-'))
  try {
    for (const name of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']) {
      await copyFile(join(ROOT, name), join(directory, name))
    }
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), text)
    }
    const folders = new Set(Object.keys(files).map((path) => path.split('/')[0]!))
    return (await cruise(directory, [...folders])).violations
  } finally {
    await rm(directory, { recursive: true })
  }
}

const imports = (specifier: string): string => `import { thing } from '${specifier}'\nexport const other = thing\n`

/** What is allowed, and what the forbidden ones below reach for. */
const ALLOWED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['core', 'drivers', 'sim', 'orchestrator', 'calibration', 'bench', 'pictures', 'drivers/transports'].map((room) => [
      `${room}/thing.ts`,
      'export const thing = 1\nexport type Thing = number\n',
    ]),
  ),
  'drivers/good.ts': imports('../core/thing.ts'),
  'sim/good.ts': imports('../core/thing.ts'),
  'orchestrator/good.ts': "import { of } from 'rxjs'\nexport const one = of(1)\n",
  'calibration/good.ts': imports('../orchestrator/thing.ts'),
  'bench/good.ts': `${imports('../drivers/thing.ts')}export { thing as far } from '../sim/thing.ts'\n`,
  'pictures/good.ts': imports('../core/thing.ts'),
  'cli/good.ts': `${imports('../bench/thing.ts')}export { thing as drawn } from '../pictures/thing.ts'\n`,
  'api/thing.ts': "export { other as thing } from '../cli/good.ts'\n",
  'examples/good.ts': imports('../api/thing.ts'),
  'bench/fabricated-chip.ts': imports('../sim/thing.ts'),
  'cli/show-chip.ts': imports('../bench/fabricated-chip.ts'),
  'bench/true-mesh.ts': imports('../sim/thing.ts'),
  'cli/twin-oracle.ts': imports('../bench/true-mesh.ts'),
  'cli/report.ts': imports('./twin-oracle.ts'),
  // Half of a ring, which is told once, of its other half.
  'sim/ring/b.ts': "export { thing } from './a.ts'\n",
}

/** [rule, the file that breaks it, how] */
const FORBIDDEN: readonly (readonly [string, string, string])[] = [
  ['core-imports-only-itself', 'core/a.ts', imports('../orchestrator/thing.ts')],
  ['drivers-imports-only-itself-core', 'drivers/a.ts', imports('../sim/thing.ts')],
  ['sim-imports-only-itself-core', 'sim/a.ts', imports('../drivers/thing.ts')],
  ['orchestrator-imports-only-itself-core', 'orchestrator/a.ts', imports('../calibration/thing.ts')],
  ['calibration-imports-only-itself-core-orchestrator', 'calibration/a.ts', imports('../sim/thing.ts')],
  ['calibration-imports-only-itself-core-orchestrator', 'calibration/fit/a.ts', imports('../../drivers/thing.ts')],
  // A type is an import too: nobody looks behind the wire for its shape.
  [
    'calibration-imports-only-itself-core-orchestrator',
    'calibration/b.ts',
    "export type { Thing } from '../sim/thing.ts'\n",
  ],
  ['bench-imports-only-itself-core-drivers-sim', 'bench/a.ts', imports('../orchestrator/thing.ts')],
  ['cli-imports-only-itself-core-bench-orchestrator-calibration-pictures', 'cli/a.ts', imports('../sim/thing.ts')],
  ['api-imports-only-itself-core-bench-orchestrator-cli', 'api/a.ts', imports('../drivers/thing.ts')],
  ['examples-imports-only-itself-api', 'examples/a.ts', imports('../bench/thing.ts')],
  ['pictures-imports-only-itself-core', 'pictures/a.ts', imports('../calibration/thing.ts')],
  ['pictures-imports-only-itself-core', 'pictures/b.ts', imports('../orchestrator/thing.ts')],
  ['pictures-do-no-io', 'pictures/c.ts', "export { writeFile } from 'node:fs/promises'\n"],
  ['only-show-sees-the-hidden-chip', 'cli/calibrate-job.ts', imports('../bench/fabricated-chip.ts')],
  ['only-show-sees-the-hidden-chip', 'bench/open-bench.ts', imports('./fabricated-chip.ts')],
  ['only-a-report-sees-the-oracle', 'cli/matmul-job.ts', imports('../bench/true-mesh.ts')],
  ['only-a-report-sees-the-oracle', 'bench/twin-world.ts', imports('./true-mesh.ts')],
  ['only-a-report-asks-the-oracle', 'cli/calibrate.ts', imports('./twin-oracle.ts')],
  ['codecs-do-no-io', 'drivers/protocols/a.ts', imports('../transports/thing.ts')],
  ['codecs-do-no-io', 'sim/protocols/a.ts', "export { connect } from 'node:net'\n"],
  ['physics-does-no-io', 'sim/optics/a.ts', "export { readFileSync } from 'node:fs'\n"],
  ['physics-does-no-io', 'calibration/model/a.ts', "export { exec } from 'node:child_process'\n"],
  ['core-knows-no-rxjs', 'core/b.ts', "export { of } from 'rxjs'\n"],
  // In the package folder, as somebody else's dependency, and not in package.json.
  ['no-undeclared-package', 'drivers/b.ts', "export { parse } from 'acorn'\n"],
  ['no-circular', 'sim/ring/a.ts', "export { thing } from './b.ts'\n"],
]

describe('the rooms of the tree', () => {
  test('import only whom they may: no violation in the whole tree', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: { layers: string }
    }
    const folders = scripts.layers.split(' ').slice(3)
    expect(folders).toEqual(
      expect.arrayContaining([
        'core',
        'drivers',
        'sim',
        'calibration',
        'orchestrator',
        'bench',
        'pictures',
        'cli',
        'api',
      ]),
    )
    const { modules, violations } = await cruise(ROOT, folders)
    expect(violations).toEqual([])
    expect(modules).toBeGreaterThan(150)
  })
})

describe('the rules hold', () => {
  let violations: readonly Violation[]
  beforeAll(async () => {
    violations = await cruiseSmall({
      ...ALLOWED,
      ...Object.fromEntries(FORBIDDEN.map(([, from, text]) => [from, text])),
    })
  })

  test.each(FORBIDDEN)('%s: breaking it in %s is found out', (rule, from) => {
    expect(violations.filter((violation) => violation.from === from)).toEqual([{ rule, from }])
  })

  test('and let through what is allowed', () => {
    const broken = new Set(FORBIDDEN.map(([, from]) => from))
    expect(violations.filter(({ from }) => !broken.has(from))).toEqual([])
  })
})
