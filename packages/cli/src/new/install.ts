import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** The package manager that the command was started by, or npm. */
export function packageManager(variables: Readonly<Record<string, string | undefined>>): string {
  return /^(npm|pnpm|yarn|bun)\//.exec(variables['npm_config_user_agent'] ?? '')?.[1] ?? 'npm'
}

/** Installs what a project depends on. Its output is ours, on standard error. Rejects if that fails. */
export async function install(manager: string, folder: string, stop: AbortSignal): Promise<void> {
  const child = spawn(manager, ['install'], { cwd: folder, stdio: ['ignore', 2, 2], signal: stop, shell: process.platform === 'win32' })
  const [code] = (await once(child, 'exit').catch((error: unknown) => {
    throw new Error(`${manager} could not be started`, { cause: error })
  })) as [number | null]
  if (code !== 0)
    throw new Error(
      `${manager} install ended with ${code ?? 'a signal'}: see above. The project is there; install it with ${manager} install.`,
    )
}
