import { fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Instance, InstanceEnd } from './supervisor.ts'

/** An address to listen at. */
export interface HttpAddress {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

/** What a process of an application is told, once: how it is to run. */
export interface InstanceRequest {
  /** Absolute path of the module. */
  readonly file: string
  /** From 1. */
  readonly instance: number
  readonly instances: number
  readonly verbose: boolean
  /** Whether errors are told in JSON. */
  readonly json: boolean
  /** Absent: as many threads as the module says. */
  readonly threads?: number | undefined
  /** Where its HTTP server is to listen; absent: there is none, or the module's. */
  readonly http?: HttpAddress | undefined
}

/** What it is told when it is to finish. */
export const DRAIN = 'drain'

export interface InstanceProcessOptions {
  readonly request: object
  /** Of the program, from here: without ending. */
  readonly program: string
  /** To import first. */
  readonly loader: string | undefined
  readonly folder: string
  readonly variables: NodeJS.ProcessEnv
}

/** One that can be talked to. */
export interface ProcessInstance extends Instance {
  send(message: object): void
  /** Calls `listener` with what it says. */
  onMessage(listener: (message: unknown) => void): void
}

/** Starts a program of ours in a process of its own, whose output is ours. */
export function startProcess({ request, program, loader, folder, variables }: InstanceProcessOptions): ProcessInstance {
  // From the sources, where tests run them.
  const path = fileURLToPath(new URL(`${program}${extname(import.meta.url)}`, import.meta.url))
  const child = fork(path, [JSON.stringify(request)], {
    cwd: folder,
    env: variables,
    execArgv: [...process.execArgv, ...(loader === undefined ? [] : ['--import', loader])],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = new Promise<InstanceEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    // It could not be started, and does not exit.
    child.once('error', () => resolve({ code: 1, signal: null }))
  })
  return {
    pid: child.pid,
    ended,
    drain: () => {
      if (child.connected) child.send(DRAIN, () => undefined)
    },
    send: (message) => {
      if (child.connected) child.send(message, () => undefined)
    },
    onMessage: (listener) => void child.on('message', listener),
    kill: () => void child.kill('SIGKILL'),
  }
}
