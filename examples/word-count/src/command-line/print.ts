/** Writes to standard output; resolves when it is written. Rejects if that fails, unless the reader only had enough (`| head`). */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') resolve()
      else reject(new Error('The result could not be written to standard output', { cause: error }))
    }
    process.stdout.once('error', failed)
    process.stdout.write(text, (error) => {
      if (error !== null && error !== undefined) return failed(error)
      process.stdout.off('error', failed)
      resolve()
    })
  })
}
