/** The cases of multiprocessing's tests of queues, over `shared` in threads. */
import { describe } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { queueCases, sharedKit } from '../fixtures/conformance-shared-cases.ts';

watchHub();

describe('a shared Queue', () => queueCases(sharedKit()));
