// Lets a child process of a test run TypeScript: node --import ./test/support/typescript-loader.mjs child.ts
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

// Hooks run in a thread of their own, which loads this file again; only there is the compiler needed.
if (isMainThread) register(import.meta.url)
const ts = isMainThread ? undefined : (await import('typescript')).default

export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context)
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true }
  const { outputText } = ts.transpileModule(await readFile(fileURLToPath(url), 'utf8'), { compilerOptions })
  return { format: 'module', source: outputText, shortCircuit: true }
}
