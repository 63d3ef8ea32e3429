// Lets a child process of a test run TypeScript: node --import ./test/support/typescript-loader.mjs child.ts
import { createHash } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { register } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread, threadId } from 'node:worker_threads'

// Hooks run in a thread of their own, which loads this file again.
if (isMainThread) register(import.meta.url)

export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context)
  const source = await javascriptOf(await readFile(fileURLToPath(url), 'utf8'))
  return { format: 'module', source, shortCircuit: true }
}

/** The compiler takes most of a second to load: what it said is kept for the rest of the run. */
async function javascriptOf(typescript) {
  const kept = join(process.env.FRINGE_TEST_RUN_FOLDER, createHash('sha256').update(typescript).digest('hex'))
  const known = await readFile(kept, 'utf8').catch(() => undefined)
  if (known !== undefined) return known
  const { default: ts } = await import('typescript')
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true }
  const { outputText } = ts.transpileModule(typescript, { compilerOptions })
  // Others may make the same at the same time, and must not read half of it.
  const own = `${kept}.${process.pid}.${threadId}`
  await writeFile(own, outputText)
  await rename(own, kept)
  return outputText
}
