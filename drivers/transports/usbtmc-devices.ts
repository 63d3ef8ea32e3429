import { readFile, readdir, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** One USB test-and-measurement device that Linux knows of. */
export interface UsbtmcDevice {
  /** Device file, /dev/usbtmcN. */
  readonly path: string
  readonly vendor: number
  readonly product: number
  /** Empty where the device has none. */
  readonly serial: string
  /** Maker and model as the device says them; empty where it says nothing. */
  readonly description: string
}

/**
 * What is plugged in, in the order of the device files.
 *
 * Outcomes: an empty list where the kernel has no such class of devices, or none was ever plugged in.
 * Source: Linux Documentation/ABI/testing/sysfs-bus-usb, sysfs-driver-usb-usbtmc.
 */
export async function listUsbtmcDevices(sysfs = '/sys'): Promise<readonly UsbtmcDevice[]> {
  const folder = join(sysfs, 'class', 'usbmisc')
  const names = await readdir(folder).catch(() => [])
  const found = await Promise.all(
    names
      .filter((name) => /^usbtmc\d+$/.test(name))
      .sort((left, right) => left.localeCompare(right, 'en', { numeric: true }))
      .map((name) => readDevice(join(folder, name))),
  )
  return found.filter((device) => device !== undefined)
}

/** Undefined for one that was unplugged in between. */
async function readDevice(folder: string): Promise<UsbtmcDevice | undefined> {
  try {
    // The link leads to the interface; numbers and name stand at the device above it.
    const device = dirname(await realpath(join(folder, 'device')))
    const text = async (name: string): Promise<string> => (await readFile(join(device, name), 'utf8')).trim()
    const orNothing = (name: string): Promise<string> => text(name).catch(() => '')
    const [vendor, product] = await Promise.all([text('idVendor'), text('idProduct')])
    const [serial, maker, model] = await Promise.all([
      orNothing('serial'),
      orNothing('manufacturer'),
      orNothing('product'),
    ])
    const description = [maker, model].filter((part) => part !== '').join(' ')
    const numbers = [vendor, product].map((digits) =>
      /^[0-9a-f]{4}$/i.test(digits) ? parseInt(digits, 16) : Number.NaN,
    )
    if (numbers.some(Number.isNaN)) return undefined
    return { path: `/dev/${basename(folder)}`, vendor: numbers[0]!, product: numbers[1]!, serial, description }
  } catch {
    return undefined
  }
}

/** As a bench file names it. */
export function usbResourceText({ vendor, product, serial }: Omit<UsbtmcDevice, 'path' | 'description'>): string {
  return `USB0::${usbNumberText(vendor)}::${usbNumberText(product)}::${serial}::INSTR`
}

const usbNumberText = (value: number): string => `0x${value.toString(16).padStart(4, '0').toUpperCase()}`
