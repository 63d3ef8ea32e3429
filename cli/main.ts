#!/usr/bin/env node
import { setMaxListeners } from 'node:events'
import { Command, CommanderError } from 'commander'
import type { CommandContext } from './command-context.ts'
import type { ExitCode } from './exit-codes.ts'
import {
  againOption,
  ageOption,
  bitsOption,
  budgetOption,
  calibrationOption,
  chipOption,
  coreOption,
  dtypeOption,
  exportFormatOption,
  followOption,
  forOption,
  formatOption,
  freshOption,
  interfaceOption,
  jsonOption,
  journalOption,
  layerOption,
  layersOption,
  matmulSimOption,
  maxAgeOption,
  memoryOption,
  paddingOption,
  metricsOption,
  plotOption,
  refineOption,
  reportOption,
  scalingOption,
  seedOption,
  simOption,
  stepsOption,
  strideOption,
  tableOption,
  verifyOnlyOption,
  watchOption,
  withSimSpelledOut,
} from './options.ts'
import type {
  MetricsFlag,
  CalibrateFlags,
  CoreFlag,
  DiscoverFlags,
  EnergyFlags,
  ExportFlags,
  JsonFlag,
  JournalFlag,
  ShowFlags,
  SimFlags,
  TwinFlags,
} from './options.ts'
import type { Strides } from './convolution-on.ts'
import type { KernelsFlags } from './kernels-matmul.ts'
import type { MatmulFlags } from './matmul-flags.ts'
import { packageVersion } from './package-info.ts'

/*
 * Commands are imported when they are called, so that help comes at once.
 */
const BENCH = ['<bench>', 'the bench file, like examples/mesh-8x8.yaml'] as const
const RUN = ['<run>', 'id of a run, an unambiguous beginning of one, or "last"'] as const

const program = new Command('fringe')
  .description('Control of optical computing benches: calibrate, multiply on light, journal every byte, replay.')
  .version(packageVersion())
  .exitOverride()
  // What is wrong with a call is reported like every other error.
  .configureOutput({ writeErr: () => undefined })
  .addHelpText(
    'after',
    `
Exit codes: 0 done · 1 the work failed · 2 the call was wrong · 3 the bench is not safe or not reachable ·
            4 a replay diverged

Example: fringe matmul examples/mesh-8x8.yaml A.npy B.npy -o C.npy --sim`,
  )

command('check', 'ask every instrument of a bench who it is', 'check examples/mesh-8x8.yaml --sim')
  .argument(...BENCH)
  .addOption(coreOption())
  .addOption(simOption())
  .addOption(seedOption())
  .addOption(ageOption())
  .action((bench: string, flags: TwinFlags & CoreFlag & JsonFlag) =>
    onBench(flags, async (context) => (await import('./check.ts')).check(context, bench, flags)),
  )

command('discover', 'find out what is plugged in', 'discover /dev/ttyUSB0 10.0.0.5:5025 --interface eth0')
  .argument('[place...]', 'ask here who it is: a serial port, host:port, or a resource like in a bench file')
  .addOption(interfaceOption())
  .option('--identify', 'ask those that were found on the networks, too, who they are')
  .action((places: readonly string[], flags: DiscoverFlags & JsonFlag) =>
    onBench(
      flags,
      async (context) => (await import('./discover.ts')).discover(context, places, flags),
      'giving up the search',
    ),
  )

command('sim', 'let other programs talk to the simulated instruments', 'sim examples/mesh-8x8.yaml --json')
  .argument(...BENCH)
  .addOption(coreOption())
  .addOption(seedOption())
  .addOption(metricsOption())
  .option('--paced', 'serial ports carry bytes no faster than their baud rate, as real lines do')
  .action((bench: string, flags: SimFlags & JsonFlag) =>
    onBench(flags, async (context) => (await import('./sim.ts')).sim(context, bench, flags), 'closing the ports'),
  )

command(
  'calibrate',
  'calibrate a bench, from cold or from what is fresh',
  'calibrate examples/mesh-8x8.yaml --sim --seed 7',
)
  .argument(...BENCH)
  .addOption(coreOption())
  .addOption(simOption())
  .addOption(seedOption())
  .addOption(ageOption())
  .addOption(stepsOption())
  .addOption(budgetOption())
  .addOption(freshOption())
  .addOption(againOption())
  .addOption(verifyOnlyOption())
  .addOption(watchOption())
  .addOption(forOption())
  .addOption(calibrationOption())
  .addOption(reportOption())
  .addOption(metricsOption())
  .addOption(journalOption())
  .action((bench: string, flags: CalibrateFlags & JsonFlag) =>
    onBench(flags, async (context) => (await import('./calibrate.ts')).calibrate(context, bench, flags)),
  )

command('resume', 'go on with a calibration that was stopped', 'resume last')
  .argument(...RUN)
  .addOption(journalOption())
  .action((run: string, flags: JournalFlag & JsonFlag) =>
    onBench(flags, async (context) => (await import('./resume.ts')).resume(context, run, flags)),
  )

command('matmul', 'C = A·B on a bench', 'matmul examples/mesh-8x8.yaml A.npy B.npy -o C.npy --sim --seed 7')
  .argument(...BENCH)
  .argument('<a>', 'A, saved by numpy.save: a matrix or matrices side by side, real or complex; "-": standard input')
  .argument('<b>', 'B, with as many rows as A has columns')
  .requiredOption('-o, --output <file>', 'where C goes; "-": standard output')
  .addOption(coreOption())
  .addOption(dtypeOption())
  .addOption(memoryOption())
  .addOption(calibrationOption())
  .addOption(bitsOption())
  .addOption(scalingOption())
  .addOption(layerOption())
  .addOption(maxAgeOption())
  .addOption(watchOption())
  .addOption(refineOption())
  .addOption(metricsOption())
  .addOption(matmulSimOption())
  .addOption(seedOption())
  .addOption(ageOption())
  .addOption(journalOption())
  .action((bench: string, a: string, b: string, flags: MatmulFlags | KernelsFlags) =>
    onBench(flags, async (context) =>
      isByKernels(flags)
        ? (await import('./kernels-matmul.ts')).kernelsMatmul(context, [bench, a, b], flags)
        : (await import('./matmul.ts')).matmul(context, [bench, a, b], flags),
    ),
  )

command(
  'convolve',
  'an image with kernels, as neural networks convolve',
  'convolve examples/mesh-8x8.yaml IMAGE.npy KERNELS.npy -o OUT.npy --padding 1 --sim',
)
  .argument(...BENCH)
  .argument('<image>', 'channels × height × width, or several side by side, saved by numpy.save; "-": standard input')
  .argument('<kernels>', 'outputs × channels × height × width')
  .requiredOption('-o, --output <file>', 'where outputs × height × width go; "-": standard output')
  .addOption(coreOption())
  .addOption(strideOption())
  .addOption(paddingOption())
  .addOption(dtypeOption())
  .addOption(memoryOption())
  .addOption(calibrationOption())
  .addOption(bitsOption())
  .addOption(scalingOption())
  .addOption(layerOption())
  .addOption(maxAgeOption())
  .addOption(watchOption())
  .addOption(refineOption())
  .addOption(metricsOption())
  .addOption(simOption())
  .addOption(seedOption())
  .addOption(ageOption())
  .addOption(journalOption())
  .action((bench: string, image: string, kernels: string, flags: MatmulFlags & Strides) =>
    onBench(flags, async (context) =>
      (await import('./matmul.ts')).matmul(context, [bench, image, kernels], flags, flags),
    ),
  )

command('runs', 'list the runs of a journal, newest first', 'runs --journal fringe.db')
  .addOption(journalOption())
  .action((flags: JournalFlag & JsonFlag) =>
    withoutBench(flags, async (context) => (await import('./runs.ts')).runs(context, flags)),
  )

command('show', 'show what a run was and what came of it, or what chip a twin has', 'show last --plot')
  .argument('[run]', RUN[1])
  .addOption(journalOption())
  .addOption(plotOption())
  .addOption(formatOption())
  .addOption(reportOption())
  .addOption(followOption())
  .addOption(chipOption())
  .addOption(coreOption())
  .addOption(seedOption())
  .action((run: string | undefined, flags: ShowFlags & JsonFlag) =>
    withoutBench(flags, async (context) => (await import('./show.ts')).show(context, run, flags)),
  )

command('energy', 'what the layers of a model cost, over many runs', 'energy --layer fc1 --layer fc2')
  .argument('[run...]', `only these: each ${RUN[1]}`)
  .addOption(layersOption())
  .addOption(journalOption())
  .action((runs: readonly string[], flags: EnergyFlags & JsonFlag) =>
    withoutBench(flags, async (context) => (await import('./energy.ts')).energy(context, runs, flags)),
  )

command('export', 'write a run for other programs, with units and provenance', 'export last -o run.npz')
  .argument(...RUN)
  .option('-o, --output <file>', 'ends in .npz, .h5, .parquet or .csv (default: RUN.npz, here)')
  .addOption(exportFormatOption())
  .addOption(tableOption())
  .option('--wire', 'with the bytes of all wires')
  .addOption(journalOption())
  .action((run: string, flags: ExportFlags & JsonFlag) =>
    withoutBench(flags, async (context) => (await import('./export.ts')).exportRun(context, run, flags)),
  )

command('replay', 'repeat a run against its own recorded bytes (wire replay)', 'replay last')
  .argument(...RUN)
  .addOption(journalOption())
  .action((run: string, flags: JournalFlag & JsonFlag) =>
    withoutBench(flags, async (context) => (await import('./replay.ts')).replay(context, run, flags)),
  )

command('demo', 'everything once, on the twin of the default bench', 'demo --seed 7')
  .addOption(simOption())
  .addOption(seedOption())
  .addOption(journalOption())
  .action((flags: TwinFlags & JournalFlag & JsonFlag) =>
    onBench(flags, async (context) => (await import('./demo.ts')).demo(context, flags)),
  )

const isByKernels = (flags: MatmulFlags | KernelsFlags): flags is KernelsFlags => flags.sim === 'kernels'

function command(name: string, description: string, example: string): Command {
  return program
    .command(name)
    .description(description)
    .addOption(jsonOption())
    .addHelpText('after', `\nExample: fringe ${example}`)
}

/** A command that may light a bench: nothing ends it before the bench is safe. */
async function onBench(
  flags: JsonFlag & MetricsFlag & Partial<JournalFlag>,
  work: (context: CommandContext) => Promise<ExitCode>,
  stopping?: string,
): Promise<void> {
  const { listenForInterrupts } = await import('./interrupts.ts')
  const { keepFreedMemory } = await import('./keep-freed-memory.ts')
  keepFreedMemory()
  await perform(flags, async (output) => {
    const signal = listenForInterrupts((line) => output.note(line), stopping)
    if (flags.metrics === undefined) return work({ output, signal })
    const { withMetrics } = await import('./metrics-server.ts')
    return withMetrics(flags.metrics, flags.journal, (url) => {
      output.note(`metrics: ${url}`)
      return work({ output, signal })
    })
  })
}

/** A command that only looks: Ctrl-C ends it on the spot. */
async function withoutBench(flags: JsonFlag, work: (context: CommandContext) => Promise<ExitCode>): Promise<void> {
  await perform(flags, (output) => work({ output, signal: new AbortController().signal }))
}

async function perform(flags: JsonFlag, work: (output: CommandContext['output']) => Promise<ExitCode>): Promise<void> {
  const { Output } = await import('./output.ts')
  const output = new Output(flags.json === true)
  try {
    process.exitCode = await work(output)
  } catch (error) {
    process.exitCode = output.failure(error)
  }
}

/** A call that makes no sense. Help that was asked for is no error. */
async function reportCall(error: CommanderError, argv: readonly string[]): Promise<void> {
  if (error.exitCode === 0) return
  const { BenchError } = await import('../core/errors.ts')
  const [name] = argv
  const known = program.commands.some((command) => command.name() === name)
  const help = `see: fringe ${known ? `${name} ` : ''}--help`
  const why =
    error.code === 'commander.help' ? 'say what to do' : error.message.replace(/^error: /, '').replaceAll('\n', ' ')
  await perform({ json: argv.includes('--json') }, () => {
    throw new BenchError('CALL_INVALID', `${why}; ${help}`)
  })
}

/** What was written must be out, and what still listens somewhere must not keep the process. */
async function leave(): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => void stream.write('', () => resolve()))
  }
  process.exit()
}

// Dozens of instruments listen to one signal; Node would call that a leak.
setMaxListeners(1000)
// Whoever read us has left: that is not an error of the work.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const argv = withSimSpelledOut(process.argv.slice(2))
try {
  await program.parseAsync(argv, { from: 'user' })
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  await reportCall(error, argv)
}
await leave()
