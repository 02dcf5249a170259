/** map and flatMap: the task's call for each element of a list that is known only now. */
import { unknownKind } from '../../values/never.ts';
import { listIn } from '../../values/nodes.ts';
import { at } from '../../values/present.ts';
import { listOf, rootOf, subtable, type Table } from '../../values/table.ts';
import { type Draft, held, inputValue, inputValues, liveNode, settle } from '../draft.ts';
import { callNode, connect } from '../expressions.ts';
import { scopeOf } from '../graph.ts';
import { operate, withTop } from '../operations.ts';
import { allHaveValues, enter, type Form, type FormNode, failForm, GUARDS_NOTHING, taskValue } from './form.ts';

type MapNode = FormNode<'map' | 'flatMap'>;

export const map: Form<'map' | 'flatMap'> = { step, resume: expand, ...GUARDS_NOTHING };

function step(draft: Draft, node: MapNode): void {
  switch (node.stage) {
    case 'preparing':
      if (node.waits !== null || !allHaveValues(draft, node)) return;
      withTop(draft, node, inputValue(draft, at(node.inputs, 1)), (list) => expand(draft, node, list));
      return;
    case 'over the elements':
      advance(draft, node);
      return;
    default:
      unknownKind('stage of map', node.stage);
  }
}

/** Task and list are known: the elements' calls are the inputs from now on. */
function expand(draft: Draft, node: MapNode, list: Table): void {
  const target = taskValue(inputValue(draft, at(node.inputs, 0)));
  const elements = listIn(rootOf(list));
  if (!target) {
    failForm(draft, node, 'map needs a task to apply');
    return;
  }
  if (!elements) {
    failForm(draft, node, 'map needs a list to go over');
    return;
  }
  const scope = scopeOf(draft.graph, node);
  const options = inputValues(draft, node.inputs)[2];
  const calls = elements.map((element) =>
    callNode(draft, scope, { task: target.task, args: [...target.bound, subtable(list, element)], options }),
  );
  enter(draft, node, 'over the elements');
  draft.edits.set(node, 'inputs', []);
  connect(draft, node, calls);
  advance(draft, node);
}

/** The first element that failed decides, once those before it have values. */
function advance(draft: Draft, node: MapNode): void {
  let settled = node.settled;
  for (; settled < node.inputs.length; settled++) {
    const { outcome } = liveNode(draft, at(node.inputs, settled));
    if (!outcome) break;
    if ('failure' in outcome) {
      settle(draft, node, outcome);
      return;
    }
  }
  draft.edits.set(node, 'settled', settled);
  if (settled < node.inputs.length) return;
  const list = listOf(inputValues(draft, node.inputs));
  if (node.shape.name === 'flatMap') operate(draft, node, 'flatten', listOf([list]));
  else settle(draft, node, { value: held(draft, list) });
}
