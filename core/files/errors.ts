/** What can be wrong with a file: for good, or still so after it was tried several times (NetworkError). */
import type { ErrorName } from '../values/errors.ts';

export type FileErrorName = Extract<
  ErrorName,
  'InputMissing' | 'InputChanged' | 'OutputMissing' | 'FileRefused' | 'NetworkError'
>;

/** An error that names the file. A task may catch it by its name, or all of them as FileError. */
export class FileError extends Error {
  override readonly name: FileErrorName;
  readonly location: string;

  constructor(name: FileErrorName, location: string, message: string) {
    super(message);
    this.name = name;
    this.location = location;
  }
}

export function inputMissing(location: string): FileError {
  return new FileError('InputMissing', location, `${quote(location)} does not exist`);
}

export function inputChanged(location: string): FileError {
  return new FileError('InputChanged', location, `${quote(location)} changed while the run used it`);
}

export function outputMissing(location: string, why: string): FileError {
  return new FileError('OutputMissing', location, `${quote(location)} was not made: ${why}`);
}

export function refused(location: string, why: string): FileError {
  return new FileError('FileRefused', location, `${quote(location)} ${why}`);
}

/** In a directory that is to be replaced. */
export function foreignFile(directory: string, file: string): FileError {
  const advice = 'move it away, or give the output another place';
  return refused(directory, `cannot be replaced: it holds ${quote(file)}, which no job put there; ${advice}`);
}

/** Its server does not answer, breaks off or is in trouble, each time it was asked. */
export function unreachable(location: string, why: string): FileError {
  return new FileError('NetworkError', location, `${quote(location)} cannot be reached: ${why}`);
}

/** Locations may hold spaces and line ends: a message shows where they begin and end only where that is in doubt. */
export function quote(location: string): string {
  return /^[\w./:@%+=,~\\-]+$/.test(location) ? location : JSON.stringify(location);
}
