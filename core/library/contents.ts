/** The contents of files inside of a task: the worker that runs it provides an access by location. */
import { type Dir, File, type FileAccess, OUTSIDE_TASKS, provideContents } from '../values/classes.ts';
import { shared } from '../values/shared.ts';

const ACCESS = shared<FileAccess | undefined>('redex.fileAccess');

/** Gives files their access, for the whole process or worker thread. */
export function provideFileAccess(access: FileAccess | undefined): void {
  ACCESS.set(access);
}

function access(): FileAccess {
  const provided = ACCESS.get();
  if (!provided) throw new Error(OUTSIDE_TASKS);
  return provided;
}

provideContents({
  async text({ location }) {
    return await access().text(location);
  },
  async bytes({ location }) {
    return await access().bytes(location);
  },
  async write({ location }, data) {
    return new File(location, await access().write(location, data));
  },
  async copy(source, { location }, options) {
    return new File(location, await access().copy(source.location, location, options));
  },
  async concat(parts, { location }) {
    const locations = parts.map((part) => part.location);
    return new File(location, await access().concat(locations, location));
  },
  async exists({ location }) {
    return (await access().version('file', location)) !== undefined;
  },
  async copyDir(source, target) {
    await access().copyDir(source.location, target.location);
    return target;
  },
  async list({ location }: Dir) {
    const locations = await access().list(location);
    return locations.map((one) => new File(one));
  },
});
