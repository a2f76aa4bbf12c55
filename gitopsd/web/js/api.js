// The daemon's REST API. What goes wrong is an ApiError with the daemon's own words and remedy.
import { forget, proof } from "./session.js";

export class ApiError extends Error {
  /**
   * @param {number} status of HTTP; 0 where no answer came
   * @param {string} message what happened
   * @param {string} remedy what to do; "" where there is nothing to say
   */
  constructor(status, message, remedy = "") {
    super(message);
    this.status = status;
    this.remedy = remedy;
  }
}

/** @param {string} name */
export const segment = (name) => encodeURIComponent(name);

/** @param {string} path below /api/v1/ @param {AbortSignal} [signal] */
export const get = (path, signal) => call("GET", path, undefined, signal);

/** @param {string} path below /api/v1/ */
export const post = (path, body = {}) => call("POST", path, body);

/** @param {string} path below /api/v1/ */
export const put = (path, body = {}) => call("PUT", path, body);

/** @param {string} path below /api/v1/ */
export const remove = (path) => call("DELETE", path);

/**
 * @param {string} method
 * @param {string} path below /api/v1/
 * @param {unknown} [body] sent as JSON
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} the answer's JSON
 */
export async function call(method, path, body, signal) {
  const response = await request(method, `api/v1/${path}`, body, signal);
  return response.json();
}

/**
 * Ask, and return the answer whose status is good.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {AbortSignal} [signal]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<Response>}
 */
export async function request(method, path, body, signal, headers = {}) {
  const sent = { ...proof(), ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The daemon cannot be reached", "See that it runs, and that the network lets you through.");
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  if (response.status === 401) forget();
  throw new ApiError(response.status, told.message ?? `The daemon answered ${response.status}`, told.remedy ?? "");
}
