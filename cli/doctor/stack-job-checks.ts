/** What is right and wrong with what the jobs of a stack need: queues, images, roles. Pure. */
import { type CheckResult, counted, judge, judged, oneLine, type Problem, unknown } from './checks.ts';
import { parseImage, parseRole } from './names.ts';
import type { EnvironmentFacts, JobQueueFacts, StackParts } from './stack-facts.ts';

export function jobsChecks(name: string, parts: StackParts): CheckResult[] {
  return [jobQueuesCheck(parts), imagesCheck(parts), rolesCheck(name, parts)];
}

const NOTHING_KNOWN = 'neither functions nor code say what jobs need';

function jobQueuesCheck({ jobQueues, wanted }: StackParts): CheckResult {
  const parts = Object.entries(jobQueues).map(([queue, seen]) =>
    judge(seen, (found) => (found ? queueProblems(queue, found) : [missingQueue(queue, wanted.queues[queue])])),
  );
  if (parts.length === 0) return unknown('job queues', NOTHING_KNOWN);
  return judged('job queues', parts, `${Object.keys(jobQueues).join(', ')}: enabled, with machines`);
}

function missingQueue(queue: string, askers: readonly string[] = []): Problem {
  return {
    said: `there is no job queue ${queue}, which ${askers.join(', ')} names`,
    advice: 'aws batch describe-job-queues lists those that are there: name one of them, then redex deploy-code',
  };
}

function queueProblems(queue: string, { state, status, reason, environments }: JobQueueFacts): (Problem | undefined)[] {
  return [
    state === 'ENABLED'
      ? undefined
      : {
          said: `the job queue ${queue} is ${state}: it takes no jobs`,
          advice: `aws batch update-job-queue --job-queue ${queue} --state ENABLED`,
        },
    status === 'VALID'
      ? undefined
      : {
          said: oneLine(`the job queue ${queue} is ${status} ${reason}`),
          advice: `aws batch describe-job-queues --job-queues ${queue} says why`,
        },
    environments.length > 0
      ? undefined
      : { said: `no machines are behind the job queue ${queue}`, advice: 'give it a compute environment' },
    ...environments.flatMap((environment) => environmentProblems(queue, environment)),
  ];
}

function environmentProblems(queue: string, environment: EnvironmentFacts): (Problem | undefined)[] {
  const { name, state, status, reason, vcpusMax } = environment;
  const own = `the compute environment ${name} of ${queue}`;
  const update = `aws batch update-compute-environment --compute-environment ${name}`;
  return [
    state === 'ENABLED' ? undefined : { said: `${own} is ${state}`, advice: `${update} --state ENABLED` },
    status === 'VALID'
      ? undefined
      : {
          said: oneLine(`${own} is ${status} ${reason}`),
          advice: `aws batch describe-compute-environments --compute-environments ${name} says why`,
        },
    vcpusMax === 0
      ? { said: `${own} may have 0 vCPUs`, advice: `${update} --compute-resources maxvCpus=256` }
      : undefined,
  ];
}

function imagesCheck({ images, wanted }: StackParts): CheckResult {
  const parts = Object.entries(images).map(([image, seen]) => {
    const askers = (wanted.images[image] ?? []).join(', ');
    if (!parseImage(image)) {
      const said = `${image}, which ${askers} names, is no name of an image`;
      return { found: [{ said, advice: 'write it as REGISTRY/NAME:TAG, or REGISTRY/NAME@sha256:…' }] };
    }
    return judge(seen, (place) => [
      place === 'no repository' || place === 'not there'
        ? {
            said: `${image}, which ${askers} names, is ${place === 'not there' ? 'not in its repository' : 'of a repository that is not there'}`,
            advice: 'push it (make -C docker push), or name one that is there, then redex deploy-code',
          }
        : undefined,
    ]);
  });
  const { imageless } = wanted;
  const without = imageless.map((executor) => ({
    said: `executor ${executor} names no image, and the stack has none for it: its jobs are refused`,
    advice: 'name one in redex.config.ts, then redex deploy-code; or npx serverless deploy --param image=NAME',
  }));
  if (parts.length === 0 && without.length === 0) return unknown('images', NOTHING_KNOWN);
  return judged('images', [...parts, { found: without }], imagesSaid(images));
}

/** In other registries than ECR an image was not looked for; a tag may come to mean another one. */
function imagesSaid(images: StackParts['images']): string {
  const names = Object.keys(images);
  const elsewhere = names.filter((name) => {
    const seen = images[name];
    return seen && 'found' in seen && seen.found === 'elsewhere';
  });
  const moving = names.filter((name) => {
    const { tag = 'latest', digest } = parseImage(name) ?? {};
    return digest === undefined && tag === 'latest';
  });
  return [
    counted(names.length, 'image'),
    ...(elsewhere.length > 0 ? [`not looked for outside of ECR: ${elsewhere.join(', ')}`] : []),
    ...(moving.length > 0 ? [`behind :latest other tools may come: ${moving.join(', ')}`] : []),
  ].join('; ');
}

const ECS_TASKS = 'ecs-tasks.amazonaws.com';

function rolesCheck(stack: string, { roles, wanted }: StackParts): CheckResult {
  const parts = Object.entries(roles).map(([arn, seen]) => {
    const askers = (wanted.roles[arn] ?? []).join(', ');
    const place = parseRole(arn);
    if (!place) {
      const said = `${arn}, which ${askers} names, is no ARN of a role`;
      return { found: [{ said, advice: 'write it as arn:aws:iam::ACCOUNT:role/NAME' }] };
    }
    return judge(seen, (role) => {
      if (!role)
        return [{ said: `there is no role ${place.name}, which ${askers} names`, advice: 'make it, or name another' }];
      return [
        role.trusted.includes(ECS_TASKS)
          ? undefined
          : {
              said: `jobs cannot take the role ${place.name}: it does not trust ${ECS_TASKS}`,
              advice: `let its trust policy allow sts:AssumeRole to the service ${ECS_TASKS}`,
            },
        place.name.startsWith(`${stack}-`)
          ? undefined
          : {
              said: `the functions may give jobs no role called ${place.name}`,
              advice: `call it ${stack}-…: iam:PassRole is for those (stack/roles.yml)`,
            },
      ];
    });
  });
  if (parts.length === 0) return unknown('roles', NOTHING_KNOWN);
  return judged('roles', parts, `${counted(parts.length, 'role')} that jobs can take`);
}
