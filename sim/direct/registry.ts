import { directE5cc } from './temperature-controller.ts'
import { directItla } from './laser.ts'
import { directM8195a } from './symbol-generator.ts'
import { directMbx } from './bias-controller.ts'
import { directN7745 } from './power-meter.ts'
import { directQontrol } from './phase-shifter-bank.ts'
import { directSdm120 } from './energy-meter.ts'
import { directT7 } from './voltage-monitor.ts'
import type { DirectEntry } from './direct-entry.ts'

/** What stands for driver, wire and simulated instrument together, under the name of the driver. */
export const DIRECT: Readonly<Record<string, DirectEntry>> = {
  'oif-itla': directItla,
  'thorlabs-mbx': directMbx,
  'keysight-m8195a': directM8195a,
  'keysight-n7745': directN7745,
  'qontrol-q8': directQontrol,
  'omron-e5cc': directE5cc,
  'eastron-sdm120': directSdm120,
  'labjack-t7': directT7,
}
