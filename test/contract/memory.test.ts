import { memoryWorld } from '../support/memory-world.ts';
import { attemptsContract } from './attempts.ts';
import { cacheContract } from './cache.ts';
import { journalContract } from './journal.ts';
import { objectsContract } from './objects.ts';
import { summariesContract } from './summaries.ts';

const world = memoryWorld();

journalContract('memory', async () => world.journal);
summariesContract('memory', async () => world.summaries);
cacheContract('memory', async () => world.cache);
attemptsContract('memory', async () => world.attempts);
objectsContract('memory', async () => world.objects);
