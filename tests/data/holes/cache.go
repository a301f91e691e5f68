package cache

import (
	"errors"
	"sync"
	"time"
)

var ErrMissing = errors.New("⟦cache: no such key⟧")

type entry struct {
	value   string
	expires time.Time
}

type Cache struct {
	mu      sync.Mutex
	entries map[string]entry
	ttl     time.Duration
}

func New(ttl time.Duration) *Cache {
	return &Cache{entries: make(map[string]entry), ttl: ⟦ttl⟧}
}

func (c *Cache) Get(key string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.entries[key]
	if !ok || time.Now().After(⟦found.expires⟧) {
		return "", ErrMissing
	}
	return found.value, nil
}

func (c *Cache) Set(key, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	⟦c.entries[key] = entry{value: value, expires: time.Now().Add(c.ttl)}⟧
}
