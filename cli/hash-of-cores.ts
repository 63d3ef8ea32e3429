import { createHash } from 'node:crypto'

/** Of several cores together: SHA-256 of what each of them means, in the order of the file. */
export const hashOfCores = (cores: readonly { readonly hash: string }[]): string =>
  createHash('sha256')
    .update(cores.map(({ hash }) => hash).join(' '))
    .digest('hex')
