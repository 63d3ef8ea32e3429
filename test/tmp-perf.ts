const test = async (_n: string, f: () => Promise<void>) => f()
import { VirtualClock } from '/work/main/core/clock.ts'
import { KeysightM8195a, keysightM8195a } from '/work/main/drivers/modulators/keysight-m8195a.ts'
import { KeysightN7745, keysightN7745 } from '/work/main/drivers/detectors/keysight-n7745.ts'
import { simM8195a } from '/work/main/sim/instruments/sim-m8195a.ts'
import { simN7745 } from '/work/main/sim/instruments/sim-n7745.ts'
import { pipeTo, RawClient } from '/work/main/test/support/scpi-wires.ts'
const forever = () => new AbortController().signal
await test('perf', async () => {
  const clock = new VirtualClock()
  const drive = { rest() {}, load() {}, start() {}, onTrigger() {} }
  const sim = simM8195a.create(drive, { name: 'a', seed: 1, clock, settings: {} })
  const gen = await KeysightM8195a.open({ name: 'a', transport: pipeTo(sim) }, keysightM8195a.settings.parse({}), clock, forever())
  await gen.configure({ symbolPeriodS: 40e-6, amplitudeV: 0.5 }, forever())
  const codes = Array.from({ length: 4 }, (_, c) => Int8Array.from({ length: 512 }, (_, s) => ((c * 31 + s * 7) % 255) - 127))
  const s = forever()
  for (let i = 0; i < 50; i++) { await gen.loadFrame(codes, s); await gen.trigger(s) }
  let t = (process.cpuUsage().user/1000)
  for (let i = 0; i < 300; i++) { await gen.loadFrame(codes, s); await gen.trigger(s) }
  console.log('AWG load+trigger 512 symbols ms', ((process.cpuUsage().user/1000) - t) / 300)
  t = (process.cpuUsage().user/1000)
  for (let i = 0; i < 2000; i++) { await gen.rearm(s); await gen.trigger(s) }
  console.log('AWG rearm+trigger us', ((process.cpuUsage().user/1000) - t) / 2)

  let listener = () => {}
  const buf = new Float64Array(2048).fill(0.5)
  const meterSim = simN7745.create({ powerMw: () => 0.5, captureMw: () => buf, onTrigger: (l) => { listener = l } }, { name: 'p', seed: 1, clock, settings: {} })
  const meter = await KeysightN7745.open({ name: 'p', transport: pipeTo(meterSim) }, keysightN7745.settings.parse({}), clock, forever())
  await meter.configure({ wavelengthNm: 1550, rangeDbm: 0 }, s)
  const cycle = async () => { await meter.armLog({ points: 2048, averagingS: 1e-5 }, s); listener(); await meter.waitLog(s); await meter.readLogMw(s) }
  for (let i = 0; i < 50; i++) await cycle()
  t = (process.cpuUsage().user/1000)
  for (let i = 0; i < 300; i++) await cycle()
  console.log('meter arm+wait+read 8x2048 ms', ((process.cpuUsage().user/1000) - t) / 300)
  const raw = new RawClient(meterSim)
  const q = Buffer.from('SENS1:FUNC:STAT?\n')
  for (let i = 0; i < 20000; i++) raw.send(q)
  t = (process.cpuUsage().user/1000)
  for (let i = 0; i < 200000; i++) raw.send(q)
  console.log('sim command us', ((process.cpuUsage().user/1000) - t) / 200)
  const c = Buffer.from('SENS1:FUNC:PAR:LOGG 2048,0.00001S\n')
  t = (process.cpuUsage().user/1000)
  for (let i = 0; i < 200000; i++) raw.send(c)
  console.log('sim set command us', ((process.cpuUsage().user/1000) - t) / 200)
})
