import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from './conversation.ts'

const mount = (...options: string[]): void => void execFileSync('mount', options, { stdio: 'ignore' })

/** A disk of its own in memory, of so many mebibytes. Mounting one takes rights that few test runs have. */
export class ScratchDisk implements AsyncDisposable {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async create(sizeMib: number): Promise<ScratchDisk> {
    const folder = join(await scratchFolder(), 'disk')
    await mkdir(folder)
    mount('-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', folder)
    return new ScratchDisk(folder)
  }

  protect(): void {
    mount('-o', 'remount,ro', this.folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    execFileSync('umount', [this.folder])
  }
}

export const canMount = await ScratchDisk.create(1).then(
  async (disk) => {
    await disk[Symbol.asyncDispose]()
    return true
  },
  () => false,
)
