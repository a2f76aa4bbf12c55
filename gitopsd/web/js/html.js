// The view library under one name: templates, signals, hooks.
import { h, Fragment, render } from "preact";
import htm from "htm";

export { Fragment, render };
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
export { batch, computed, effect, signal, useComputed, useSignal } from "@preact/signals";

/** Markup as a tagged template; values are text, never markup. */
export const html = htm.bind(h);
