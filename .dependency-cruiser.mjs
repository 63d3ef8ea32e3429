const ROOMS = 'core|drivers|sim|calibration|orchestrator|bench|pictures|cli|api|perf|test|examples'

/** A room may import itself, the rooms named, and packages. Nothing else of ours. */
const mayImport = (room, allowed) => ({
  name: `${room}-imports-only-${['itself', ...allowed].join('-')}`,
  severity: 'error',
  from: { path: `^${room}/` },
  to: { path: `^(${ROOMS})/`, pathNot: `^(${[room, ...allowed].join('|')})/` },
})

export default {
  forbidden: [
    mayImport('core', []),
    mayImport('drivers', ['core']),
    mayImport('sim', ['core']),
    mayImport('orchestrator', ['core']),
    mayImport('calibration', ['core', 'orchestrator']),
    mayImport('bench', ['core', 'drivers', 'sim']),
    mayImport('pictures', ['core']),
    mayImport('cli', ['core', 'bench', 'orchestrator', 'calibration', 'pictures']),
    mayImport('api', ['core', 'bench', 'orchestrator', 'cli']),
    mayImport('examples', ['api']),
    {
      name: 'codecs-do-no-io',
      comment: 'A codec turns bytes into messages. It opens nothing and waits for nothing.',
      severity: 'error',
      from: { path: '^(drivers|sim)/protocols/' },
      to: {
        path: '^((drivers|sim)/(transports|discovery|ports|instruments|lasers|modulators|phase-shifters|thermal|detectors|power|wdm)/|node_modules/(rxjs|serialport|modbus-serial|koffi)|(node:)?(net|dgram|fs|child_process|timers)$)',
      },
    },
    {
      name: 'physics-does-no-io',
      severity: 'error',
      from: { path: '^(sim/optics|calibration/(fit|model))/' },
      to: {
        path: '^(node_modules/(rxjs|serialport|modbus-serial|koffi|sqlite3)|(node:)?(net|dgram|fs|child_process)$)',
      },
    },
    {
      name: 'pictures-do-no-io',
      comment: 'A picture is text made of plain data. Whoever asked for it writes the file.',
      severity: 'error',
      from: { path: '^pictures/' },
      to: {
        path: '^(node_modules/(rxjs|serialport|modbus-serial|koffi|sqlite3)|(node:)?(net|dgram|fs|child_process)(/promises)?$)',
      },
    },
    {
      name: 'only-show-sees-the-hidden-chip',
      comment: 'The truth of a twin is shown to people who ask for it, and to nothing that calibrates or multiplies.',
      severity: 'error',
      from: { path: '^(?!test/)', pathNot: '^cli/(show-chip|chip-tables)\\.ts$' },
      to: { path: '^bench/fabricated-chip\\.ts$' },
    },
    {
      name: 'only-a-report-sees-the-oracle',
      comment: 'What nobody could know stands beside what was measured, and nothing else learns of it.',
      severity: 'error',
      from: { path: '^(?!test/|perf/)', pathNot: '^cli/(twin-oracle|oracle-calibration)\\.ts$' },
      to: { path: '^bench/true-mesh\\.ts$' },
    },
    {
      name: 'only-a-report-asks-the-oracle',
      severity: 'error',
      from: { path: '^(?!test/|perf/)', pathNot: '^cli/(report|twin-oracle)\\.ts$' },
      to: { path: '^cli/(twin-oracle|oracle-calibration)\\.ts$' },
    },
    { name: 'core-knows-no-rxjs', severity: 'error', from: { path: '^core/' }, to: { path: 'node_modules/rxjs' } },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-undeclared-package',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|(sim|calibration)/kernels/assembly)/' },
  },
}
